//go:build interop

package interop

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik-stream/chronik/test/harness"
)

// commits is how often each group commits by hand.
const commits = 300

// TestDumpLogSegmentsReadsACompactedOffsetsTopic has groups of Java's consumer join, commit and leave, others commit by hand again and
// again, and some deleted. When the offsets topic is compacted, Apache Kafka's tool looks at each of its files, and finds in them what
// was committed last, of the groups that are left.
func TestDumpLogSegmentsReadsACompactedOffsetsTopic(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_LOG_CLEANER_BACKOFF_MS=100", "CHRONIK_OFFSETS_TOPIC_SEGMENT_BYTES=8000", "CHRONIK_OFFSETS_TOPIC_NUM_PARTITIONS=1",
		"CHRONIK_LOG_SEGMENT_DELETE_DELAY_MS=0", "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0", "CHRONIK_LOG_CLEANER_DELETE_RETENTION_MS=0")
	fillOffsetsTopic(t, b)
	b.Stop(t)

	dir := filepath.Join(b.Dir, "data", "__consumer_offsets-0")
	wholeDirectory(t, dir, map[string]int{"log": 2, "index": 2, "timeindex": 2, "snapshot": 1}, sound)
	decoded := ""
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		out := dumped(t, "--files", file, "--offsets-decoder", "--deep-iteration")
		sound(t, out)
		decoded += out
	}
	for _, group := range []string{"by-hand-1", "by-hand-2"} {
		for p := range 3 {
			lastIs(t, decoded, offsetKey(group, "read", p), fmt.Sprintf(`"offset":%d`, commits-3+p))
		}
	}
	for _, group := range []string{"java-1", "java-2"} {
		for p := range 3 {
			lastIs(t, decoded, offsetKey(group, "read", p), `"offset":0`)
		}
		lastIs(t, decoded, fmt.Sprintf(`{"type":"2","data":{"group":"%s"}}`, group), `"members":[]`)
	}
	if strings.Contains(decoded, "gone-") {
		t.Error("groups that are deleted are in the log")
	}
}

// fillOffsetsTopic has groups use the offsets topic, deletes those whose names begin with gone, and waits until compaction has removed
// them.
func fillOffsetsTopic(t *testing.T, b *harness.Broker) {
	t.Helper()
	createTopic(t, b, "read", 3)
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), "read", "30", "v")
	for _, group := range []string{"java-1", "java-2", "gone-java"} {
		for range 2 {
			tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "read", "30", group, "auto.offset.reset=earliest", "enable.auto.commit=false")
			admin(t, b, groupCommand, "--group", group, "--reset-offsets", "--all-topics", "--to-earliest", "--execute")
		}
	}
	client := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for i := range int64(commits) {
		for _, group := range []string{"by-hand-1", "by-hand-2", "gone-by-hand"} {
			offsets := kadm.Offsets{}
			offsets.AddOffset("read", int32(i%3), i, -1)
			if err := client.CommitAllOffsets(ctx, group, offsets); err != nil {
				t.Fatal(err)
			}
		}
	}
	admin(t, b, groupCommand, "--delete", "--group", "gone-java", "--group", "gone-by-hand")
	waitForTombstones(ctx, t, b, client)
}

// waitForTombstones waits for the rounds of compaction that meet the tombstones of now, and remove them.
func waitForTombstones(ctx context.Context, t *testing.T, b *harness.Broker, client *kadm.Client) {
	t.Helper()
	ends, err := client.ListEndOffsets(ctx, "__consumer_offsets")
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup("__consumer_offsets", 0)
	for _, round := range []string{"the round that meets the tombstones", "the round that removes them"} {
		waitFor(t, round, func() bool {
			offsets := kadm.Offsets{} // so that what is to go comes to be in segments that have ended
			offsets.AddOffset("read", 0, 0, -1)
			if err := client.CommitAllOffsets(ctx, "filler", offsets); err != nil {
				t.Fatal(err)
			}
			cleaned := cleanedTo(t, filepath.Join(b.Dir, "data"), "__consumer_offsets")["0"]
			if cleaned <= end.Offset {
				return false
			}
			end.Offset = cleaned
			return true
		})
	}
}

func offsetKey(group, topic string, partition int) string {
	return fmt.Sprintf(`{"type":"1","data":{"group":"%s","topic":"%s","partition":%d}}`, group, topic, partition)
}

// lastIs looks at the last record of a key that the tool has printed.
func lastIs(t *testing.T, decoded, key, value string) {
	t.Helper()
	last := ""
	for line := range strings.Lines(decoded) {
		if strings.Contains(line, key) {
			last = line
		}
	}
	if !strings.Contains(last, value) {
		t.Errorf("the last record of %s is %q, want %s", key, last, value)
	}
}
