//go:build interop

package interop

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

const moveReplicas = "stream.chronik.test.MoveReplicas"

// TestJavaMovesPartitionsUnderLoad has Apache Kafka's own administrative client move all partitions of a topic there and back, in one
// request each, while records come. It sees each partition where it is to go or on its way there at any time, and what is in the
// partitions stays what it was.
func TestJavaMovesPartitionsUnderLoad(t *testing.T) {
	t.Parallel()
	const topic, partitions = "travels", 6
	b, dirs := withDirs(t, 2)
	admin(t, b, topicCommand, "--create", "--topic", topic, "--partitions", fmt.Sprint(partitions), "--config", "segment.bytes=1048576")
	tools.Must(t, producerPerf, "--topic", topic, "--num-records", "30000", "--record-size", "1024", "--throughput", "-1",
		"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(), "--command-property", "acks=all")
	before := valuesByPlace(t, b, topic, partitions)

	stop := produceMeanwhile(t, b, topic, partitions)
	for _, to := range []string{dirs[0], dirs[1], dirs[0]} {
		moveAll(t, b, topic, partitions, to)
	}
	acknowledged := stop()

	want := maps.Clone(before)
	for at, value := range acknowledged {
		if want[at] != "" {
			t.Errorf("%v was there and is acknowledged again", at)
		}
		want[at] = value
	}
	compareValues(t, want, valuesByPlace(t, b, topic, partitions))
	b.Kill(t)
	b.Run(t)
	compareValues(t, want, valuesByPlace(t, b, topic, partitions))
	if left := describeDirs(t, b, "--topic-list", topic)[dirs[1]].Partitions; len(left) != 0 {
		t.Errorf("still in the second directory: %+v", left)
	}
	for _, line := range askMoves(t, b, topic, partitions, "/nowhere") {
		if !strings.HasSuffix(line, " LogDirNotFoundException") {
			t.Errorf("a directory that is none: %s", line)
		}
	}
}

// askMoves asks for all partitions of a topic at once, and returns a line for each.
func askMoves(t *testing.T, b *harness.Broker, topic string, partitions int, to string) []string {
	t.Helper()
	out := tools.Must(t, moveReplicas, "move", b.Bootstrap(), b.ClientProperties(), "1", topic, numbers(partitions), to)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != partitions {
		t.Fatalf("%d partitions are answered in:\n%s", len(lines), out)
	}
	return lines
}

// numbers are the numbers below n, with commas.
func numbers(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	return strings.Join(all, ",")
}

// moveAll has all partitions of a topic moved, and waits until they are there.
func moveAll(t *testing.T, b *harness.Broker, topic string, partitions int, to string) {
	t.Helper()
	for _, line := range askMoves(t, b, topic, partitions, to) {
		if !strings.HasSuffix(line, " asked") {
			t.Fatalf("a move to %s is not begun: %s", to, line)
		}
	}
	waitFor(t, "the partitions to be in "+to, func() bool {
		there := 0
		out := tools.Must(t, moveReplicas, "where", b.Bootstrap(), b.ClientProperties(), "1", topic, numbers(partitions))
		for line := range strings.Lines(out) {
			at := strings.Fields(line) // the partition, where it is, where it is to go, how far it is behind there
			switch {
			case len(at) != 4 || at[1] != to && at[2] != to:
				t.Fatalf("a partition is not on its way to %s: %s", to, line)
			case at[1] == to && at[2] == "null":
				there++
			}
		}
		return there == partitions
	})
}

// spot is a record's place.
type spot struct {
	partition int32
	offset    int64
}

// produceMeanwhile writes to all partitions until the returned function is called, which returns what was acknowledged.
func produceMeanwhile(t *testing.T, b *harness.Broker, topic string, partitions int32) (stop func() map[spot]string) {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	acknowledged, failed := map[spot]string{}, make(chan error, 1)
	go func() {
		defer close(failed)
		for i := int32(0); ctx.Err() == nil; i++ {
			r := &kgo.Record{Topic: topic, Partition: i % partitions, Value: fmt.Appendf(nil, "meanwhile %d", i)}
			if err := client.ProduceSync(context.Background(), r).FirstErr(); err != nil {
				failed <- fmt.Errorf("record %d: %w", i, err)
				return
			}
			acknowledged[spot{r.Partition, r.Offset}] = string(r.Value)
		}
	}()
	return func() map[spot]string {
		t.Helper()
		cancel()
		select {
		case err := <-failed:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the producer does not end")
		}
		return acknowledged
	}
}

// valuesByPlace reads all of a topic.
func valuesByPlace(t *testing.T, b *harness.Broker, topic string, partitions int32) map[spot]string {
	t.Helper()
	next, found := map[place]int64{}, map[spot]string{}
	for p := range partitions {
		next[place{topic, p}] = 0
	}
	readTo(t, b, next, func(r *kgo.Record) {
		at := spot{r.Partition, r.Offset}
		if found[at] != "" {
			t.Errorf("%v is read twice", at)
		}
		found[at] = string(r.Value)
	})
	return found
}

func compareValues(t *testing.T, want, got map[spot]string) {
	t.Helper()
	if maps.Equal(want, got) {
		return
	}
	for at, value := range want {
		if got[at] != value {
			t.Errorf("%d records are to be there, %d are; at %v there is %.40q, not %.40q", len(want), len(got), at, got[at], value)
			return
		}
	}
	t.Errorf("%d records are to be there, and there are %d: %v", len(want), len(got), slices.Collect(maps.Keys(got))[:1])
}
