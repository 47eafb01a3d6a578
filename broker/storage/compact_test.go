package storage

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// testCleaner compacts the logs of a directory up to their confirmed ends.
func testCleaner(t testing.TB, d *Directory, clock func() time.Time) *Cleaner {
	t.Helper()
	metrics, err := NewCleanerMetrics(prometheus.NewRegistry(), clock)
	must(t, err)
	return NewCleaner(CleanerConfig{
		Threads: 1, DedupeBytes: 1 << 20, LoadFactor: 0.9, IOBytes: 64 << 10, BytesPerSecond: 1e300, Metrics: metrics, Clock: clock,
		Logs: func(yield func(*Log, int64) bool) {
			d.Logs(func(l *Log) bool {
				stable := l.Confirmed()
				if first, ok := l.FirstUnstable(stable); ok {
					stable = min(stable, first)
				}
				return yield(l, stable)
			})
		},
	})
}

func compactConfig(fsys vfs.FS) Config {
	cfg := testConfig(fsys)
	cfg.DefaultLogConfig.Compact, cfg.DefaultLogConfig.CompactOnly = true, true
	cfg.DefaultLogConfig.MinCleanableRatio = 0
	cfg.DefaultLogConfig.SegmentBytes = 4000
	return cfg
}

// keyed makes a batch of one record.
func keyed(key, value string) []byte {
	var b record.Builder
	var v []byte
	if value != "" {
		v = []byte(value)
	}
	b.Add(testTime.UnixMilli(), []byte(key), v)
	return b.Batch()
}

// survivors are the records of a log as offset:key=value.
func survivors(t testing.TB, l *Log) (found []string) {
	t.Helper()
	walker := record.NewWalker()
	for _, b := range split(readAll(t, l)) {
		must(t, walker.Records(b, func(r record.Record) bool {
			found = append(found, fmt.Sprintf("%d:%s=%s", r.Offset, r.Key, r.Value))
			return true
		}))
	}
	return found
}

func TestCompactionKeepsTheNewestRecordOfEachKey(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, compactConfig(disk))
	l := newLogIn(t, d)
	for i := range 300 {
		appendTo(t, l, keyed(fmt.Sprint("key ", i%7), fmt.Sprint("value ", i)))
	}
	waitConfirmed(t, l)
	before, segments := survivors(t, l), len(*l.segments.Load())
	c := testCleaner(t, d, d.cfg.Clock)
	if !c.Clean(context.Background()) {
		t.Fatal("nothing was compacted")
	}
	active := l.active().base
	var want []string
	for i, r := range before {
		if int64(i) >= active-7 {
			want = append(want, r)
		}
	}
	check := func(l *Log) {
		t.Helper()
		if got := survivors(t, l); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("compaction left\n%v\nand not\n%v", got, want)
		}
		for _, offset := range []int64{0, 5, active - 8, active - 7, active} {
			data, err := l.Read(offset, 1, l.EndOffset(), true, nil)
			must(t, err)
			if first := record.Batch(data).BaseOffset(); first != max(offset, active-7) {
				t.Errorf("a read from %d begins at %d", offset, first)
			}
		}
	}
	check(l)
	if n := len(*l.segments.Load()); n != segments || segments < 5 {
		t.Fatalf("%d segments became %d", segments, n)
	}
	if c.Clean(context.Background()) {
		t.Fatal("what is clean was compacted again")
	}
	must(t, d.Close())
	d = openDir(t, compactConfig(disk))
	check(d.Log("topic", 0))
	must(t, d.Close())
}

// TestALogDoesNotInheritWhatWasCompacted: a topic is deleted before the first checkpoint after a start, and made anew.
// TestATombstoneStaysForItsTime: for delete.retention.ms after the first round that meets it, and not a millisecond longer.
func TestATombstoneStaysForItsTime(t *testing.T) {
	cfg := compactConfig(vfs.NewMemory(nil))
	cfg.DefaultLogConfig.SegmentBytes, cfg.DefaultLogConfig.DeleteRetentionMs = 100, 1000 // a segment for each batch
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	appendTo(t, l, keyed("gone", "once"))
	appendTo(t, l, keyed("gone", ""))
	now := testTime
	c := testCleaner(t, d, func() time.Time { return now })
	for i, round := range []struct {
		at    int64
		stays bool
	}{{5000, true}, {5999, true}, {6000, false}} {
		for n := range 2 {
			appendTo(t, l, keyed(fmt.Sprint("filler ", i, n), "value"))
		}
		waitConfirmed(t, l)
		now = testTime.Add(time.Duration(round.at) * time.Millisecond)
		if !c.Clean(context.Background()) {
			t.Fatalf("nothing was compacted at %d", round.at)
		}
		left := survivors(t, l)
		if slices.Contains(left, "0:gone=once") || slices.Contains(left, "1:gone=") != round.stays {
			t.Errorf("at %d ms: %q", round.at, left)
		}
	}
	must(t, d.Close())
}

func TestALogDoesNotInheritWhatWasCompacted(t *testing.T) {
	cfg := compactConfig(vfs.NewMemory(nil))
	d := openDir(t, cfg)
	gapped(t, d)
	must(t, d.Close())
	d = openDir(t, cfg)
	if c := d.Log("topic", 0).compaction.cleaned; c <= 0 {
		t.Fatalf("the first dirty offset is %d", c)
	}
	must(t, d.Delete(testTopic, 0))
	must(t, d.Checkpoint())
	l, err := d.Create(TopicID{5}, "topic", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	appendTo(t, l, keyed("key", "value"))
	must(t, d.Close())
	d = openDir(t, cfg)
	if c := d.Log("topic", 0).compaction.cleaned; c != noCleaned {
		t.Errorf("the first dirty offset of the new log is %d", c)
	}
	must(t, d.Close())
}
