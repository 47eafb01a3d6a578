package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// fillLog appends records of few keys to a new log.
func fillLog(t testing.TB, d *Directory, id byte, topic string, n int) *Log {
	t.Helper()
	l, err := d.Create(TopicID{id}, topic, 0, d.cfg.DefaultLogConfig)
	must(t, err)
	for i := range n {
		appendTo(t, l, keyed(fmt.Sprint("key ", i%7), fmt.Sprint("value ", i)))
	}
	waitConfirmed(t, l)
	return l
}

func TestADamagedLogIsLeftAndTheOthersAreCompacted(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, compactConfig(disk))
	damaged, whole := fillLog(t, d, 1, "damaged", 200), fillLog(t, d, 2, "whole", 150)
	must(t, d.Checkpoint())
	f, err := disk.Open(damaged.path+"/00000000000000000000.log", vfs.ReadWrite)
	must(t, err)
	_, err = f.WriteAt([]byte{'?'}, 75)
	must(t, err)
	must(t, f.Close())
	before := whole.Size()
	c := testCleaner(t, d, d.cfg.Clock)
	for c.Clean(context.Background()) {
	}
	if whole.Size() >= before {
		t.Errorf("the other log has %d bytes as before", before)
	}
	if err := c.failed[damaged]; err == nil || len(c.failed) != 1 {
		t.Errorf("logs that can not be compacted: %v", c.failed)
	}
	if n := gaugeOf(t, c.cfg.Metrics.uncleanable); n != 1 {
		t.Errorf("the metric says that %v can not be compacted", n)
	}
	if damaged.d.Err() != nil || damaged.compaction.cleaned != noCleaned {
		t.Errorf("the directory is %v, the damaged log is clean up to %d", damaged.d.Err(), damaged.compaction.cleaned)
	}
	must(t, d.Close())
}

// gaugeOf is the value of a gauge.
func gaugeOf(t testing.TB, gauge prometheus.Gauge) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	must(t, registry.Register(gauge))
	families, err := registry.Gather()
	must(t, err)
	return families[0].GetMetric()[0].GetGauge().GetValue()
}

// TestARoundEndsWhereItsMemoryIsFull compacts many keys with room for few.
func TestARoundEndsWhereItsMemoryIsFull(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, compactConfig(disk))
	w := &compactWork{r: rand.New(rand.NewPCG(1, 1)), walker: record.NewWalker(), log: newLogIn(t, d), keys: 60, nowMs: testTime.UnixMilli()}
	for range 400 {
		must(t, w.append())
	}
	for id := range w.openNow() {
		must(t, w.end(id, true))
	}
	waitConfirmed(t, w.log)
	c := testCleaner(t, d, d.cfg.Clock)
	c.work.mapBytes = 20 * slotBytes
	rounds := 0
	for ; c.Clean(context.Background()); rounds++ {
		w.check(t, fmt.Sprint("round ", rounds), nil)
	}
	if rounds < 5 || len(c.failed) > 0 || w.log.compaction.cleaned < w.log.active().base-100 {
		t.Errorf("%d rounds, up to %d; failed are %v", rounds, w.log.compaction.cleaned, c.failed)
	}
	must(t, d.Close())
}

func (w *compactWork) openNow() map[int64]bool {
	open := map[int64]bool{}
	for id, p := range w.producers() {
		open[id] = p.open
	}
	return open
}

// TestWhoNeedsALogDoesNotWaitForItsCompaction lets a round that would last for ever give way.
func TestWhoNeedsALogDoesNotWaitForItsCompaction(t *testing.T) {
	for name, act := range map[string]func(d *Directory, l *Log) error{
		"truncation": func(_ *Directory, l *Log) error { return l.Truncate(100) },
		"deletion":   func(d *Directory, l *Log) error { return d.Delete(l.TopicID(), 0) },
		"set aside": func(d *Directory, l *Log) error {
			_, err := d.SetAside(l.TopicID(), 0)
			return err
		},
		"close": func(d *Directory, _ *Log) error { return d.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMemory(nil)
			d := openDir(t, compactConfig(disk))
			l := fillLog(t, d, 1, "topic", 300)
			c := testCleaner(t, d, d.cfg.Clock)
			c.work.pace = newPace(1) // a byte per second
			ended := make(chan bool)
			go func() { ended <- c.Clean(context.Background()) }()
			for l.compaction.cancel.Load() == nil {
				select {
				case done := <-ended:
					t.Fatalf("the round ended too early: %t", done)
				case <-time.After(time.Millisecond):
				}
			}
			must(t, act(d, l))
			if <-ended || len(c.failed) > 0 {
				t.Errorf("a round was finished, or failed: %v", c.failed)
			}
			must(t, d.Close())
		})
	}
}

func TestPace(t *testing.T) {
	now := testTime
	p := newPace(1000)
	p.clock = func() time.Time { return now }
	for _, c := range []struct {
		after time.Duration
		bytes int64
		want  time.Duration
	}{
		{time.Hour, 100, 0}, {0, 500, 500 * time.Millisecond}, {200 * time.Millisecond, 100, 400 * time.Millisecond}, {time.Hour, 300, 200 * time.Millisecond},
	} {
		now = now.Add(c.after)
		if got := p.owe(c.bytes); got != c.want {
			t.Errorf("%d bytes after %s: wait %s, not %s", c.bytes, c.after, got, c.want)
		}
	}
}

func TestOffsetMap(t *testing.T) {
	m := newOffsetMap(100*slotBytes, 0.9, 1<<40)
	for i := range int64(90) {
		for range 2 {
			if !m.put(fmt.Appendf(nil, "key %d", i), i) {
				t.Fatalf("no room for key %d", i)
			}
		}
	}
	if m.put([]byte("one more"), 1000) || !m.put([]byte("key 3"), 1000) {
		t.Error("a full map takes a new key, or not an old one")
	}
	for i := range int64(90) {
		want := i
		if i == 3 {
			want = 1000
		}
		if got := m.get(fmt.Appendf(nil, "key %d", i)); got != want {
			t.Errorf("key %d is at %d, not %d", i, got, want)
		}
	}
	if got := m.get([]byte("one more")); got != -1 {
		t.Errorf("an unknown key is at %d", got)
	}
	key := []byte("key 5")
	if n := testing.AllocsPerRun(100, func() { m.get(key) }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

// BenchmarkCompact compacts 16 MiB of records of 1 KiB, of which half are superseded.
func BenchmarkCompact(b *testing.B) {
	for _, codec := range []record.Codec{record.None, record.LZ4, record.Zstd} {
		b.Run(codec.String(), func(b *testing.B) {
			b.ReportAllocs()
			walker := record.NewWalker()
			read := int64(0)
			for range b.N {
				b.StopTimer()
				cfg := Config{FS: vfs.OS{}, Dir: b.TempDir(), DefaultLogConfig: DefaultLogConfig()}
				cfg.DefaultLogConfig.Compact, cfg.DefaultLogConfig.CompactOnly = true, true
				cfg.DefaultLogConfig.SegmentBytes, cfg.DefaultLogConfig.MinCleanableRatio = 2<<20, 0
				d := openDir(b, cfg)
				l := newLogIn(b, d)
				r := rand.New(rand.NewPCG(1, 1))
				value := make([]byte, 1024)
				for range 256 {
					var builder record.Builder
					for range 64 {
						for i := range value {
							value[i] = byte('a' + r.IntN(4))
						}
						builder.Add(testTime.UnixMilli(), fmt.Appendf(nil, "key %d", r.IntN(8<<10)), value)
					}
					plain := builder.Batch()
					batch, err := walker.Encode(nil, plain, codec, 3, plain.Records())
					must(b, err)
					appendTo(b, l, batch)
				}
				waitConfirmed(b, l)
				must(b, d.Checkpoint())
				c := testCleaner(b, d, time.Now)
				c.work.mapBytes, c.work.readBytes, c.work.writeBytes = 128<<20, 256<<10, 256<<10
				before := l.Size()
				b.StartTimer()
				if !c.Clean(context.Background()) {
					b.Fatal("nothing was compacted")
				}
				b.StopTimer()
				read += before
				must(b, d.Close())
				b.StartTimer()
			}
			b.SetBytes(read / int64(b.N))
		})
	}
}
