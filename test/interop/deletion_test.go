//go:build interop

package interop

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestRetentionDeletes: Java's producer fills partitions beyond retention.bytes and retention.ms. The oldest records go, from the
// logs and from the disk, and what clients are told is where the logs begin now.
func TestRetentionDeletes(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_LOG_RETENTION_CHECK_INTERVAL_MS=100", "CHRONIK_LOG_SEGMENT_DELETE_DELAY_MS=0")
	const records, segmentBytes = 6000, 1 << 20
	for topic, setting := range map[string]string{
		"by-size": "retention.bytes=2097152", "by-time": "retention.ms=3600000", "kept": "retention.ms=-1", "old": "retention.ms=3600000",
	} {
		admin(t, b, topicCommand, "--create", "--topic", topic, "--partitions", "1", "--config", fmt.Sprint("segment.bytes=", segmentBytes), "--config", setting)
		if topic == "old" {
			produceOld(t, b, topic)
			continue
		}
		tools.Must(t, producerPerf, "--topic", topic, "--num-records", fmt.Sprint(records), "--record-size", "1024", "--throughput", "-1",
			"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(), "--command-property", "acks=all")
	}
	size := func(topic string) (bytes int64, segments int) { return logSize(t, b, topic) }
	waitFor(t, "retention by size", func() bool { n, _ := size("by-size"); return n <= 3*segmentBytes })
	waitFor(t, "retention by time", func() bool { n, _ := size("old"); return n <= 2*segmentBytes })

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	starts, err := client.ListStartOffsets(ctx, "by-size", "by-time", "kept", "old")
	if err != nil {
		t.Fatal(err)
	}
	for topic, goes := range map[string]bool{"by-size": true, "by-time": false, "kept": false, "old": true} {
		if o, _ := starts.Lookup(topic, 0); o.Err != nil || (o.Offset > 0) != goes {
			t.Errorf("%s begins at %d, %v", topic, o.Offset, o.Err)
		}
	}
	if n, segments := size("kept"); segments < 6 || n < records*1024 {
		t.Errorf("%d bytes in %d segments are left of the topic without retention", n, segments)
	}
	begin, _ := starts.Lookup("by-size", 0)
	left := records - int(begin.Offset)
	if n := len(franzConsume(t, franzSASL(t, b, "SCRAM-SHA-512"), "by-size", left)); n != left {
		t.Errorf("%d records are read from %d on", n, begin.Offset)
	}
	b.Kill(t)
	b.Run(t)
	if starts, err = client.ListStartOffsets(ctx, "by-size"); err != nil {
		t.Fatal(err)
	}
	if after, _ := starts.Lookup("by-size", 0); after.Offset < begin.Offset {
		t.Errorf("after a kill the log begins at %d, before it did at %d", after.Offset, begin.Offset)
	}
}

// produceOld appends segments of records that are three hours old, and a new record: segments age by the times of their records.
func produceOld(t *testing.T, b *harness.Broker, topic string) {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ProducerBatchCompression(kgo.NoCompression()))...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range 31 {
		at := time.Now().Add(-3 * time.Hour)
		if i == 30 {
			at = time.Now()
		}
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Timestamp: at, Value: make([]byte, 100_000)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// logSize is what the files of a topic's segments hold, those that wait for their deletion included.
func logSize(t *testing.T, b *harness.Broker, topic string) (bytes int64, segments int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.Dir, "data", topic+"-0", "*.log*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil { // else it is gone by now
			bytes, segments = bytes+info.Size(), segments+1
		}
	}
	return bytes, segments
}

// TestADeletedTopicLeavesNothing deletes a topic with records, a group's offsets and a compacted twin, and looks for its name: in
// the files' names, in the checkpoints, in the offsets of the group. A topic of the same name begins empty.
func TestADeletedTopicLeavesNothing(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_LOG_SEGMENT_DELETE_DELAY_MS=0", "CHRONIK_LOG_CLEANER_BACKOFF_MS=100", "CHRONIK_LOG_FLUSH_OFFSET_CHECKPOINT_INTERVAL_MS=200")
	const topic, group = "short-lived", "its-readers"
	create := func() {
		admin(t, b, topicCommand, "--create", "--topic", topic, "--partitions", "3", "--config", "cleanup.policy=compact", "--config", "segment.ms=1", "--config", "min.cleanable.dirty.ratio=0.01")
	}
	create()
	for round := range 3 { // of the same keys: there is something to compact
		tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), topic, "60", fmt.Sprint("v", round))
	}
	client := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 7, -1)
	if err := client.CommitAllOffsets(ctx, group, offsets); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "compaction's checkpoint", func() bool { return named(t, b, topic)["cleaner-offset-checkpoint"] })
	waitFor(t, "the recovery point", func() bool { return named(t, b, topic)["recovery-point-offset-checkpoint"] })

	admin(t, b, topicCommand, "--delete", "--topic", topic)
	waitFor(t, "nothing of the topic in the log directory", func() bool { return len(named(t, b, topic)) == 0 })
	if strings.Contains(scrape(t, b), topic) {
		t.Error("a metric speaks of the topic")
	}
	committed, err := client.FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	if at, found := committed.Lookup(topic, 0); found {
		t.Errorf("the group still has an offset: %+v", at)
	}
	create()
	b.Kill(t)
	b.Run(t)
	ends, err := client.ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err != nil || o.Offset != 0 {
			t.Errorf("partition %d of the new topic ends at %d, %v", o.Partition, o.Offset, o.Err)
		}
	})
}

// named is what of the log directory has a topic's name: files and directories by their own names, and the checkpoints that mention
// it.
func named(t *testing.T, b *harness.Broker, topic string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	data := filepath.Join(b.Dir, "data")
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil // it went just now
		case err != nil:
			return err
		case strings.Contains(entry.Name(), topic):
			found[entry.Name()] = true
		case filepath.Dir(path) == data && strings.HasSuffix(entry.Name(), "-checkpoint"):
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), topic) {
				found[entry.Name()] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
