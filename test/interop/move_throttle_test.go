//go:build interop

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/test/harness"
)

const moveRate = "replica.alter.log.dirs.io.max.bytes.per.second"

// TestMovesAreThrottled moves a partition at the pace that kafka-configs sets, in the middle of the move too: no faster, and at once when
// the pace is taken back.
func TestMovesAreThrottled(t *testing.T) {
	t.Parallel()
	const topic, pace = "heavy", 1 << 20
	b, dirs := withDirs(t, 2)
	createTopic(t, b, topic, 1)
	tools.Must(t, producerPerf, "--topic", topic, "--num-records", "40000", "--record-size", "1000", "--throughput", "-1",
		"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties())
	setRate := func(value string) {
		admin(t, b, configCommand, "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", moveRate+"="+value)
	}
	setRate(fmt.Sprint(pace))
	to := dirs[0]
	if len(describeDirs(t, b, "--topic-list", topic)[to].Partitions) > 0 {
		to = dirs[1]
	}
	copied := func() float64 { return metric(t, b, "chronik_move_copied_bytes_total") }
	for _, line := range askMoves(t, b, topic, 1, to) {
		if !strings.HasSuffix(line, " asked") {
			t.Fatal(line)
		}
	}
	waitFor(t, "the move to begin", func() bool { return copied() > 0 })
	began, first := time.Now(), copied()
	waitFor(t, "a few seconds' worth to be copied", func() bool { return copied()-first > 4*pace })
	moved, seconds := copied()-first, time.Since(began).Seconds()
	t.Logf("%.0f bytes in %.1f s, %.1f s of throttle", moved, seconds, metric(t, b, "chronik_move_throttle_seconds_total"))
	if most := 1.05*pace*seconds + pace/4; moved > most { // a batch and what is saved up come on top
		t.Errorf("%.0f bytes in %.1f s are more than %d a second", moved, seconds, pace)
	}
	if metric(t, b, "chronik_move_throttle_seconds_total") <= 0 {
		t.Error("the move has not been held back")
	}
	setRate("0")
	stands := copied()
	admin(t, b, configCommand, "--describe", "--entity-type", "brokers", "--entity-name", "1")
	if more := copied() - stands; more > pace/4 {
		t.Errorf("%.0f bytes are copied at a pace of 0", more)
	}
	admin(t, b, configCommand, "--alter", "--entity-type", "brokers", "--entity-name", "1", "--delete-config", moveRate)
	waitFor(t, "the partition to have moved", func() bool {
		d := describeDirs(t, b, "--topic-list", topic)[to]
		return len(d.Partitions) == 1 && !d.Partitions[0].IsFuture
	})
}

// TestReplicationThrottlesAreKept sets, shows and removes each throttle as kafka-configs does.
func TestReplicationThrottlesAreKept(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "throttled", 1)
	for _, of := range []struct{ entity, name, key, value, bad string }{
		{"brokers", "1", moveRate, "1000000", "-1"},
		{"brokers", "1", "leader.replication.throttled.rate", "2000000", "-1"},
		{"brokers", "1", "follower.replication.throttled.rate", "3000000", "much"},
		{"topics", "throttled", "leader.replication.throttled.replicas", "0:1", "0-1"},
		{"topics", "throttled", "follower.replication.throttled.replicas", "*", "0:1,"},
	} {
		entity := []string{"--entity-type", of.entity, "--entity-name", of.name}
		alter := append([]string{"--alter"}, entity...)
		describe := append([]string{"--describe"}, entity...)
		admin(t, b, configCommand, append(alter, "--add-config", of.key+"="+of.value)...)
		contains(t, admin(t, b, configCommand, describe...), of.key+"="+of.value)
		if out := tools.Run(t, configCommand, adminArgs(b, append(alter, "--add-config", of.key+"=["+of.bad+"]"))...); out.Exit == 0 {
			t.Errorf("%s=%s is taken:\n%s", of.key, of.bad, out.Out)
		}
		admin(t, b, configCommand, append(alter, "--delete-config", of.key)...)
		if out := admin(t, b, configCommand, describe...); strings.Contains(out, of.key) {
			t.Errorf("%s is left:\n%s", of.key, out)
		}
	}
}
