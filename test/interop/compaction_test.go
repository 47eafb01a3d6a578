//go:build interop

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestCompactionLeavesWhatApacheKafkaLeaves writes the same records to both brokers, with overwritten keys, tombstones and every
// codec, lets both compact them, and compares what is left, offset by offset. Then Apache Kafka's DumpLogSegments reads the files.
func TestCompactionLeavesWhatApacheKafkaLeaves(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_LOG_CLEANER_BACKOFF_MS=200")
	k := harness.StartKafka(t, b, "log.cleaner.backoff.ms=200")
	var left [2][]string
	for i, bootstrap := range []string{k.Bootstrap(), b.Bootstrap()} {
		opts := append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap))
		want := writeCompacted(t, opts)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for left[i] = readCompacted(t, opts); !slices.Equal(left[i], want); left[i] = readCompacted(t, opts) {
			if ctx.Err() != nil {
				t.Fatalf("%s has after a minute\n%s\nand not\n%s", bootstrap, strings.Join(left[i], "\n"), strings.Join(want, "\n"))
			}
		}
	}
	if !slices.Equal(left[0], left[1]) {
		t.Errorf("Apache Kafka left\n%s\nand we\n%s", strings.Join(left[0], "\n"), strings.Join(left[1], "\n"))
	}
	b.Stop(t)
	dumpCompacted(t, filepath.Join(b.Dir, "data", "compacted-0"), left[1])
}

// writeCompacted fills a compacted topic and returns what compaction should leave of it: the newest record of each key, tombstones
// included, and the last record, which is alone in the active segment.
func writeCompacted(t *testing.T, opts []kgo.Opt) (want []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	setting := func(s string) *string { return &s }
	admin := kadm.NewClient(franzClient(t, opts...))
	_, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{
		"cleanup.policy": setting("compact"), "segment.ms": setting("600000"), "min.cleanable.dirty.ratio": setting("0.01"),
	}, "compacted")
	if err != nil {
		t.Fatal(err)
	}
	var clients []*kgo.Client
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		clients = append(clients, franzClient(t, append(slices.Clone(opts), kgo.ProducerBatchCompression(codec))...))
	}
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Now().Add(-10 * time.Hour).Truncate(time.Hour)
	newest := map[string]string{}
	offset := 0
	send := func(c *kgo.Client, records ...*kgo.Record) {
		for _, record := range records {
			record.Topic, record.Timestamp = "compacted", at
			newest[string(record.Key)] = recordText(int64(offset), record)
			offset++
		}
		if err := c.ProduceSync(ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		var batch []*kgo.Record
		for range 1 + r.IntN(5) {
			record := &kgo.Record{Key: fmt.Appendf(nil, "key %d", r.IntN(40)), Value: fmt.Appendf(nil, "value %d %s", i, strings.Repeat("x", r.IntN(200)))}
			if r.IntN(6) == 0 {
				record.Value = nil
			}
			batch = append(batch, record)
		}
		send(clients[i%len(clients)], batch...)
		at = at.Add(time.Minute)
	}
	at = at.Add(time.Hour)
	send(clients[0], &kgo.Record{Key: []byte("last"), Value: []byte("in the active segment")})
	for o := range int64(offset) {
		for _, text := range newest {
			if strings.HasPrefix(text, fmt.Sprint(o, " ")) {
				want = append(want, text)
			}
		}
	}
	return want
}

func recordText(offset int64, r *kgo.Record) string {
	if r.Value == nil {
		return fmt.Sprintf("%d %s deleted", offset, r.Key)
	}
	return fmt.Sprintf("%d %s = %s", offset, r.Key, r.Value)
}

func readCompacted(t *testing.T, opts []kgo.Opt) (found []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := franzClient(t, append(slices.Clone(opts), kgo.ConsumeTopics("compacted"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	for last := ""; last != "last"; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			found = append(found, recordText(r.Offset, r))
			last = string(r.Key)
		})
	}
	return found
}

// dumpCompacted lets Apache Kafka's tool read every file of the log.
func dumpCompacted(t *testing.T, dir string, want []string) {
	t.Helper()
	records := 0
	for _, suffix := range []string{"log", "index", "timeindex"} {
		files, err := filepath.Glob(filepath.Join(dir, "*."+suffix))
		if err != nil || len(files) < 2 {
			t.Fatalf("%d files *.%s, %v", len(files), suffix, err)
		}
		for _, file := range files {
			if suffix != "log" {
				wholesome(t, tools.Must(t, dumpLog, "--files", file, "--index-sanity-check"))
				continue
			}
			out := tools.Must(t, dumpLog, "--files", file, "--deep-iteration")
			for _, bad := range []string{"isvalid: false", "invalid bytes", "Corrupt", "out of order"} {
				if strings.Contains(out, bad) {
					t.Errorf("%s in:\n%s", bad, out)
				}
			}
			records += strings.Count(out, "| offset: ")
		}
	}
	if records != len(want) {
		t.Errorf("the files hold %d records, %d are left", records, len(want))
	}
}

// TestTheOffsetsTopicIsCompacted commits the offset of one group again and again, in small segments. What is committed last is
// there after a kill, and the topic's log is a small part of what was written.
func TestTheOffsetsTopicIsCompacted(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_LOG_CLEANER_BACKOFF_MS=100", "CHRONIK_OFFSETS_TOPIC_SEGMENT_BYTES=4000", "CHRONIK_OFFSETS_TOPIC_NUM_PARTITIONS=1",
		"CHRONIK_LOG_SEGMENT_DELETE_DELAY_MS=0")
	createTopic(t, b, "committed", 1)
	admin := kadm.NewClient(franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(b.Bootstrap()))...))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const commits = 400
	for i := range int64(commits) {
		offsets := kadm.Offsets{}
		offsets.AddOffset("committed", 0, i, -1)
		if err := admin.CommitAllOffsets(ctx, "again and again", offsets); err != nil {
			t.Fatal(err)
		}
	}
	waitSeeing(t, "the offsets topic to be compacted", func() (string, bool) {
		files, err := filepath.Glob(filepath.Join(b.Dir, "data", "__consumer_offsets-0", "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		size := int64(0)
		for _, file := range files {
			if info, err := os.Stat(file); err == nil { // else it was replaced just now
				size += info.Size()
			}
		}
		return fmt.Sprintf("it has %d bytes", size), size < 8000 // of the 100,000 that were written
	})
	if strings.Contains(scrape(t, b), "chronik_log_cleaner_runs_total 0\n") {
		t.Error("no round of compaction was counted")
	}
	b.Kill(t)
	b.Run(t)
	found, err := admin.FetchOffsets(ctx, "again and again")
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := found.Lookup("committed", 0); !ok || o.At != commits-1 {
		t.Errorf("the group's offset is %+v (%t), %d was committed last", o, ok, commits-1)
	}
}
