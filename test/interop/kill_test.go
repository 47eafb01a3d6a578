//go:build interop

package interop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestSoakKill kills the broker under load from four kinds of client, at random moments, those of recovery included, and looks for
// what it had acknowledged: records, ACLs, users, topics, configs, groups and offsets. Segments are small, one topic is compacted,
// one converts to zstd, one has batches that go round the journal. Then the directory is verified. The seed is printed;
// INTEROP_SEED repeats a run's moments.
func TestSoakKill(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(killSeed(t), 0))
	b := harness.Start(t, tokensOn, "CHRONIK_LOG_CLEANER_BACKOFF_MS=100")
	createKillTopics(t, b)
	l := newAccount()
	writers := startWriters(t, b, l)
	followers := startFollowers(t, b)
	read, compacted := newReading(), newCompactedReading()
	for round := range killRounds {
		putMetadata(t, b, round)
		l.waitForEach(t)
		<-time.After(time.Duration(200+rng.IntN(800)) * time.Millisecond)
		b.Kill(t)
		killWhileItStarts(t, b, rng)
		b.Run(t)
		checkMetadata(t, b, round)
		read.check(t, b, l)
		compacted.check(t, b, l)
	}
	l.waitForEach(t)
	for _, stop := range writers {
		stop()
	}
	putMetadata(t, b, killRounds)
	b.Stop(t) // by SIGTERM, which loses nothing either
	b.Run(t)
	checkMetadata(t, b, killRounds)
	read.check(t, b, l)
	compacted.check(t, b, l)
	read.checkUnchanged(t, b)
	compacted.waitUntilCompacted(t, b, l)
	for _, f := range followers {
		f.checkSame(t, read)
	}
	checkEffect(t, b, "durable-0")
	l.report(t)
	b.Stop(t)
	t.Log(harness.Command(t, "", harness.Binary(t), "log", "verify", "--dir", filepath.Join(b.Dir, "data")))
}

func killSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("INTEROP_SEED"); s != "" {
		parsed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = parsed
	}
	t.Logf("seed %d", seed)
	return seed
}

// killWhileItStarts kills the broker again while it recovers, twice at most, and not in every round.
func killWhileItStarts(t *testing.T, b *harness.Broker, rng *rand.Rand) {
	t.Helper()
	for range rng.IntN(3) {
		b.Launch(t)
		<-time.After(time.Duration(rng.IntN(300)) * time.Millisecond)
		if !b.Running() {
			t.Fatal("the broker ended while it started")
		}
		b.Kill(t)
	}
}

// The topics of the load, and how many partitions each has.
const (
	killPlain, killZstd, killLarge, killCompacted = "killed-plain", "killed-zstd", "killed-large", "killed-compacted"
)

func killPartitions() map[string]int {
	return map[string]int{killPlain: 3, killZstd: 2, killLarge: 1, killCompacted: 2}
}

func createKillTopics(t *testing.T, b *harness.Broker) {
	t.Helper()
	configs := map[string][]string{
		killPlain:     {"segment.bytes=1048576"},
		killZstd:      {"compression.type=zstd", "segment.ms=700"},
		killLarge:     {"segment.bytes=1048576"},
		killCompacted: {"segment.bytes=1048576", "cleanup.policy=compact", "min.cleanable.dirty.ratio=0.05", "file.delete.delay.ms=0"},
	}
	for topic, partitions := range killPartitions() {
		args := []string{"--create", "--topic", topic, "--partitions", fmt.Sprint(partitions)}
		for _, c := range configs[topic] {
			args = append(args, "--config", c)
		}
		admin(t, b, topicCommand, args...)
	}
}
