package storage

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// readsFS counts the bytes that are read, by the suffix of the file.
type readsFS struct {
	vfs.FS
	index, times atomic.Int64
}

func (r *readsFS) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := r.FS.Open(name, mode)
	switch {
	case err != nil:
		return nil, err
	case strings.HasSuffix(name, timeSuffix):
		return &readsFile{f, &r.times}, nil
	case strings.HasSuffix(name, offsetSuffix):
		return &readsFile{f, &r.index}, nil
	default:
		return f, nil
	}
}

type readsFile struct {
	vfs.File
	bytes *atomic.Int64
}

func (f *readsFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.bytes.Add(int64(n))
	return n, err
}

// TestACleanStartReadsNoIndexWholly: of an index the last entry is read, and of a sealed segment's offset index nothing.
func TestACleanStartReadsNoIndexWholly(t *testing.T) {
	disk := &readsFS{FS: vfs.NewMemory(nil)}
	cfg := testConfig(disk)
	cfg.DefaultLogConfig.SegmentBytes = 4000
	cfg.DefaultLogConfig.IndexIntervalBytes = 100
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	fillSegments(t, l, 100)
	must(t, d.Close())
	disk.index.Store(0)
	disk.times.Store(0)
	d = openDir(t, cfg)
	if n := disk.index.Load(); n > 4*offsetEntryBytes {
		t.Errorf("%d bytes of offset indexes were read", n)
	}
	if n := disk.times.Load(); n > 104*timeEntryBytes {
		t.Errorf("%d bytes of 100 time indexes were read", n)
	}
	readAll(t, d.Log("topic", 0))
	if disk.index.Load() < 100*offsetEntryBytes {
		t.Error("the indexes are not used")
	}
	must(t, d.Close())
}

func TestWarmUpOpensTheNewestSegments(t *testing.T) {
	cfg := smallSegments(testConfig(vfs.NewMemory(nil)))
	cfg.Cache = newCache(t, CacheConfig{})
	d := openDir(t, cfg)
	for i := range 10 {
		l, err := d.Create(testTopic, "topic", int32(i), cfg.DefaultLogConfig)
		must(t, err)
		fillSegments(t, l, 8)
	}
	must(t, d.Close())

	start := func(files, perLog int) CacheStats {
		cfg.Cache = newCache(t, CacheConfig{Files: files})
		d := openDir(t, cfg)
		cfg.Cache.Expire()
		cfg.Cache.WarmUp(context.Background(), []*Directory{d}, perLog)
		stats := cfg.Cache.Stats()
		before := stats.Indexes.Misses
		for l := range d.Logs {
			segments := *l.segments.Load()
			_, err := l.Read(segments[len(segments)-2].base, 100, l.EndOffset(), true, nil)
			must(t, err)
		}
		stats.Indexes.Misses = cfg.Cache.Stats().Indexes.Misses - before
		must(t, d.Close())
		return stats
	}
	if s := start(1000, 2); s.WarmUp != (WarmUpStats{Segments: 20, Done: 20, Finished: true}) || s.OpenFiles != 20 || s.Indexes.Misses != 0 {
		t.Errorf("two segments of ten logs: %+v", s)
	}
	if s := start(1000, 0); s.WarmUp.Done != 0 || s.Indexes.Misses == 0 {
		t.Errorf("no warm-up: %+v", s)
	}
	if s := start(32, 8); !s.WarmUp.Finished || s.WarmUp.Done >= 20 || s.OpenFiles > 16 {
		t.Errorf("a warm-up of more than the cache holds: %+v", s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cfg.Cache = newCache(t, CacheConfig{})
	d = openDir(t, cfg)
	cfg.Cache.WarmUp(ctx, []*Directory{d}, 5)
	if s := cfg.Cache.Stats().WarmUp; s.Done != 0 || !s.Finished {
		t.Errorf("a warm-up that is ended: %+v", s)
	}
	must(t, d.Close())
}

func TestACachedReadAllocatesNothing(t *testing.T) {
	eachPolicy(t, func(t *testing.T, p evict.Policy) {
		l, end := benchLog(t, p)
		dst := make([]byte, 0, 64<<10)
		offset := int64(0)
		allocs := testing.AllocsPerRun(500, func() {
			data, err := l.Read(offset%end, 4000, end, true, dst)
			if err != nil || len(data) == 0 {
				t.Fatalf("read at %d: %d bytes, %v", offset%end, len(data), err)
			}
			offset += 37
		})
		if allocs > 0.1 { // otter's own bookkeeping of reads allocates once in a while
			t.Errorf("%v allocations per read", allocs)
		}
	})
}

// benchLog is a log of some segments that are all in the cache.
func benchLog(t testing.TB, p evict.Policy) (*Log, int64) {
	t.Helper()
	cfg := testConfig(vfs.OS{})
	cfg.Dir = t.TempDir()
	cfg.Cache = newCache(t, CacheConfig{Policy: p})
	d := openDir(t, cfg)
	t.Cleanup(func() { must(t, d.Close()) })
	l := newLogIn(t, d)
	fillSegments(t, l, 20)
	readAll(t, l)
	return l, l.EndOffset()
}

func BenchmarkCachedRead(b *testing.B) {
	for name, p := range map[string]evict.Policy{"lru": evict.LRU, "lfu": evict.LFU} {
		b.Run(name, func(b *testing.B) {
			l, end := benchLog(b, p)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				dst := make([]byte, 0, 64<<10)
				for offset := int64(0); pb.Next(); offset += 37 {
					if _, err := l.Read(offset%end, 4000, end, true, dst); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkOpenManySegments opens a directory of 20 logs with 1,000 segments each after a clean stop.
func BenchmarkOpenManySegments(b *testing.B) {
	cfg := testConfig(vfs.OS{})
	cfg.Dir = b.TempDir()
	d := openDir(b, cfg)
	for i := range 20 {
		_, err := d.Create(testTopic, "topic", int32(i), cfg.DefaultLogConfig)
		must(b, err)
	}
	must(b, d.Close())
	for i := range 20 {
		writeSegments(b, filepath.Join(cfg.Dir, fmt.Sprintf("topic-%d", i)), 1000)
	}
	must(b, openDir(b, cfg).Close()) // leaves snapshots of the producers
	for b.Loop() {
		d := openDir(b, cfg)
		b.StopTimer()
		must(b, d.Close())
		b.StartTimer()
	}
}

// writeSegments writes segments of two batches, with the indexes that they would have, over those of an empty log.
func writeSegments(t testing.TB, dir string, segments int) {
	t.Helper()
	must(t, os.Remove(filepath.Join(dir, offsetName(0, sumsSuffix))))
	for base := int64(0); base < int64(2*segments); base += 2 {
		first, second := batchOf(1, 300, 1000+base), batchOf(1, 300, 1001+base)
		patch(first, base, 1)
		patch(second, base+1, 1)
		offset, timestamp := offsetEntry(1, int64(len(first))), timeEntry(1001+base, 1)
		for suffix, data := range map[string][]byte{
			logSuffix: append(first, second...), offsetSuffix: offset[:], timeSuffix: timestamp[:],
		} {
			must(t, os.WriteFile(path.Join(filepath.ToSlash(dir), offsetName(base, suffix)), data, 0o600))
		}
	}
}
