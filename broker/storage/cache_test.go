package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// countingFS counts the files that are open.
type countingFS struct {
	vfs.FS
	// hasty leaves syncs out, where open files are what is looked at and not durability.
	hasty      bool
	open, most atomic.Int64
}

func (c *countingFS) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := c.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	n := c.open.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	return &countedFile{File: f, fs: c}, nil
}

type countedFile struct {
	vfs.File
	fs     *countingFS
	closed atomic.Bool
}

func (f *countedFile) Sync() error {
	if f.fs.hasty {
		return nil
	}
	return f.File.Sync()
}

func (f *countedFile) Close() error {
	if f.closed.CompareAndSwap(false, true) {
		f.fs.open.Add(-1)
	}
	return f.File.Close()
}

func newCache(t testing.TB, cfg CacheConfig) *SegmentCache {
	t.Helper()
	c, err := NewSegmentCache(cfg)
	must(t, err)
	return c
}

// tinyCache evicts all the time.
func tinyCache(t testing.TB, p evict.Policy) *SegmentCache {
	t.Helper()
	return newCache(t, CacheConfig{Files: MinCacheFiles, IndexBytes: 256, Policy: p})
}

func eachPolicy(t *testing.T, run func(t *testing.T, p evict.Policy)) {
	t.Helper()
	for name, p := range map[string]evict.Policy{"lru": evict.LRU, "lfu": evict.LFU} {
		t.Run(name, func(t *testing.T) { run(t, p) })
	}
}

// fillSegments appends batches until the log has so many segments, and returns all that was appended.
func fillSegments(t testing.TB, l *Log, segments int) (all []byte) {
	t.Helper()
	for i := int64(0); len(*l.segments.Load()) < segments; i++ {
		b := batchOf(1, 150, 1000+i)
		appendTo(t, l, b)
		all = append(all, b...)
	}
	return all
}

// smallSegments has a segment for every few batches.
func smallSegments(cfg Config) Config {
	cfg.DefaultLogConfig.SegmentBytes = 800
	cfg.DefaultLogConfig.IndexIntervalBytes = 100
	return cfg
}

// TestThousandsOfSegments has readers, an appender, retention, truncation and checkpoints at work at once, over far more
// segments than may be open, and counts the open files.
func TestThousandsOfSegments(t *testing.T) {
	count := 2000
	if testing.Short() || raceDetector {
		count = 200
	}
	t.Run("memory", func(t *testing.T) {
		eachPolicy(t, func(t *testing.T, p evict.Policy) { manySegments(t, vfs.NewMemory(nil), testDir, count, p) })
	})
	t.Run("disk", func(t *testing.T) { manySegments(t, vfs.OS{}, t.TempDir(), count, evict.LRU) })
}

const (
	manyFiles      = 40
	manyReaders    = 4
	manyIndexBytes = 1 << 10
	// manyExtra are files that the cache does not count: the journal's, the lock, the one that each goroutine is opening,
	// snapshots and checkpoints while they are written.
	manyExtra = 30
)

func manySegments(t *testing.T, disk vfs.FS, dir string, count int, p evict.Policy) {
	fsys := &countingFS{FS: disk, hasty: true}
	cfg := smallSegments(testConfig(fsys))
	cfg.Dir = dir
	cfg.Cache = newCache(t, CacheConfig{Files: manyFiles, IndexBytes: manyIndexBytes, Policy: p})
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	all := fillSegments(t, l, count)
	if got := readAll(t, l); !bytes.Equal(got, all) {
		t.Fatal("what is read is not what was appended")
	}
	churn(t, d, l)
	if most := fsys.most.Load(); most > manyFiles+manyExtra {
		t.Errorf("%d files were open at once, the cache may have %d", most, manyFiles)
	}
	stats := cfg.Cache.Stats()
	if stats.Files.Evicted.Size == 0 || stats.Indexes.Evicted.Size == 0 || stats.Files.Hits == 0 || stats.Indexes.Hits == 0 {
		t.Errorf("the cache was not at work: %+v", stats)
	}
	if stats.OpenFiles > manyFiles || stats.Indexes.Held > manyIndexBytes {
		t.Errorf("the bounds do not hold: %+v", stats)
	}
	must(t, d.Close())
	if stats := cfg.Cache.Stats(); fsys.open.Load() != 0 || stats.OpenFiles != 0 || stats.Indexes.Held != 0 {
		t.Errorf("after Close %d files are open: %+v", fsys.open.Load(), stats)
	}
}

// churn changes the log in every way while others read it.
func churn(t *testing.T, d *Directory, l *Log) {
	t.Helper()
	var group sync.WaitGroup
	stop := make(chan struct{})
	for r := range manyReaders {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(r), 1)) //nolint:gosec // repeats itself
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := readAnywhere(l, random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 300 {
		appendTo(t, l, batchOf(1, 150, 5000+int64(i)))
		switch i % 30 {
		case 7:
			must(t, l.Truncate(l.EndOffset()-20))
		case 13:
			must(t, l.raiseStart(l.StartOffset()+40, nil))
			_, err := l.Retain(testTime, l.EndOffset())
			must(t, err)
		case 21:
			must(t, d.Checkpoint())
		}
	}
	close(stop)
	group.Wait()
}

// readAnywhere reads at some offset, and checks that what comes is whole and begins there.
func readAnywhere(l *Log, random *rand.Rand) error {
	start, end := l.StartOffset(), l.EndOffset()
	offset := start + random.Int64N(max(end-start, 1))
	data, err := l.Read(offset, 1000, end, true, nil)
	if wire.CodeOf(err) == wire.OffsetOutOfRange {
		return nil // retention or truncation was faster
	}
	if err != nil || len(data) == 0 {
		return err
	}
	h, ok := parseHeader(data)
	if !ok || h.base > offset || h.last() < offset || !h.checkCRC(data[:h.size]) {
		return fmt.Errorf("a read of offset %d brings %+v", offset, h)
	}
	return nil
}

// TestATinyCacheChangesNothing compares a log whose files are closed all the time with one whose files stay open.
func TestATinyCacheChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := rapid.SampledFrom([]evict.Policy{evict.LRU, evict.LFU}).Draw(rt, "policy")
		var logs [2]*Log
		var dirs [2]*Directory
		for i, cache := range []*SegmentCache{newCache(t, CacheConfig{}), tinyCache(t, policy)} {
			cfg := smallSegments(testConfig(vfs.NewMemory(nil)))
			cfg.Cache = cache
			dirs[i] = openDir(t, cfg)
			logs[i] = newLogIn(t, dirs[i])
		}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			step := rapid.IntRange(0, 9).Draw(rt, "step")
			n := rapid.Int64Range(0, 60).Draw(rt, "n")
			var answers [2]string
			for i, l := range logs {
				answers[i] = tinyStep(t, dirs[i], l, step, n)
			}
			if answers[0] != answers[1] {
				rt.Fatalf("step %d, %d: with room %s, without %s", step, n, answers[0], answers[1])
			}
		}
		for _, d := range dirs {
			must(t, d.Close())
		}
	})
}

// tinyStep makes one call and returns what it answers, as a text.
func tinyStep(t *testing.T, d *Directory, l *Log, step int, n int64) string {
	switch step {
	case 0:
		return fmt.Sprint(l.Truncate(max(l.EndOffset()-n, 0)))
	case 1:
		must(t, d.Checkpoint())
		return ""
	case 2:
		err := l.raiseStart(min(l.StartOffset()+n/4, l.EndOffset()), nil)
		removed, retained := l.Retain(testTime, l.EndOffset())
		return fmt.Sprint(err, removed, retained)
	case 3:
		found, ok, err := l.OffsetForTimestamp(1000+n, l.EndOffset())
		return fmt.Sprint(found, ok, err)
	case 4:
		found, ok, err := l.MaxTimestamp(l.EndOffset())
		return fmt.Sprint(found, ok, err)
	case 5, 6:
		data, err := l.Read(l.StartOffset()+n, 700, l.EndOffset(), true, nil)
		return fmt.Sprintf("%x %v", data, wire.CodeOf(err))
	default:
		for i := range n/5 + 1 {
			appendTo(t, l, batchOf(1, int(n), 1000+l.EndOffset()+i))
		}
		return fmt.Sprint(l.EndOffset())
	}
}

func TestIdleFilesAreClosed(t *testing.T) {
	eachPolicy(t, func(t *testing.T, p evict.Policy) {
		var now atomic.Int64
		now.Store(testTime.UnixNano())
		clock := func() time.Time { return time.Unix(0, now.Load()) }
		fsys := &countingFS{FS: vfs.NewMemory(nil)}
		cfg := smallSegments(testConfig(fsys))
		cfg.JournalFileBytes = 4 << 20 // all goes into one, and the keeper prepares one more
		cfg.Cache = newCache(t, CacheConfig{Policy: p, TTL: time.Minute, Clock: clock})
		d := openDir(t, cfg)
		idle := fsys.open.Load()
		var logs []*Log
		for i := range 20 {
			l, err := d.Create(testTopic, "topic", int32(i), cfg.DefaultLogConfig)
			must(t, err)
			fillSegments(t, l, 5)
			logs = append(logs, l)
		}
		must(t, d.Checkpoint())
		for _, l := range logs {
			readAll(t, l)
		}
		if s := cfg.Cache.Stats(); s.OpenFiles < 100 || s.Indexes.Held == 0 {
			t.Fatalf("of 100 segments that are read these are open: %+v", s)
		}
		now.Add(int64(2 * time.Minute))
		cfg.Cache.Expire()
		s := cfg.Cache.Stats()
		if s.OpenFiles != 0 || s.Indexes.Held != 0 || s.Files.Evicted.TTL < 100 || fsys.open.Load() > idle+2 {
			t.Fatalf("after two minutes these are open: %+v, %d files of the disk, %d before", s, fsys.open.Load(), idle)
		}
		end := logs[3].EndOffset()
		appendTo(t, logs[3], batchOf(1, 10, 1))
		if len(readAll(t, logs[3])) == 0 || logs[3].EndOffset() != end+1 {
			t.Fatal("an idle log does not go on")
		}
		must(t, d.Close())
	})
}

// TestIdleFilesAreClosedForGood closes logs whose files have become idle since the cache was last asked: whoever closes a file
// holds its lock, and must not meet the cache on its way to give the same file up.
func TestIdleFilesAreClosedForGood(t *testing.T) {
	eachPolicy(t, func(t *testing.T, p evict.Policy) {
		var now atomic.Int64
		now.Store(testTime.UnixNano())
		cfg := smallSegments(testConfig(vfs.NewMemory(nil)))
		cfg.Cache = newCache(t, CacheConfig{Policy: p, TTL: time.Minute, Clock: func() time.Time { return time.Unix(0, now.Load()) }})
		d := openDir(t, cfg)
		l := newLogIn(t, d)
		fillSegments(t, l, 5)
		must(t, d.Checkpoint())
		readAll(t, l)
		now.Add(int64(2 * time.Minute))
		must(t, d.Delete(testTopic, 0))
		cfg.Cache.Expire()
		if s := cfg.Cache.Stats(); s.OpenFiles != 0 || s.Indexes.Held != 0 || s.Files.Held != 0 {
			t.Fatalf("after the deletion: %+v", s)
		}
		must(t, d.Close())
	})
}

// TestManyIdlePartitions appends to more partitions than files may be open, without a checkpoint of its own: what has to be
// closed is synced first, once for many.
func TestManyIdlePartitions(t *testing.T) {
	fsys := &countingFS{FS: vfs.NewMemory(nil)}
	cfg := testConfig(fsys)
	cfg.Cache = newCache(t, CacheConfig{Files: 32})
	d := openDir(t, cfg)
	before := fsys.open.Load()
	for i := range 500 {
		l, err := d.Create(testTopic, "topic", int32(i), cfg.DefaultLogConfig)
		must(t, err)
		appendTo(t, l, batchOf(1, 10, 1))
	}
	// A checkpoint syncs sixteen logs at a time, of three files each, beside the cache's files.
	if most := fsys.most.Load(); most > before+32+10+16*3 {
		t.Errorf("%d files were open at once, %d before; the cache may have 32", most, before)
	}
	for l := range d.Logs {
		appendTo(t, l, batchOf(1, 10, 2))
		if l.EndOffset() != 2 || len(readAll(t, l)) == 0 {
			t.Fatalf("%s ends at %d", l.path, l.EndOffset())
		}
	}
	must(t, d.Close())
	if n := fsys.open.Load(); n != 0 {
		t.Errorf("%d files are open after Close", n)
	}
}

// TestAFileIsSyncedBeforeItIsClosed: the kernel tells of a failed write only those who had the file open.
func TestAFileIsSyncedBeforeItIsClosed(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	cfg := testConfig(disk)
	cfg.Cache = newCache(t, CacheConfig{Files: MinCacheFiles})
	d := openDir(t, cfg)
	disk.Add(vfs.Fault{Op: vfs.OpSync, Path: logSuffix, Err: syscall.EIO})
	for i := range 40 {
		l, err := d.Create(testTopic, "topic", int32(i), cfg.DefaultLogConfig)
		if err != nil {
			break
		}
		_, _ = l.Append(batchOf(1, 10, 1), client()) // fails once the directory is offline
	}
	if !errors.Is(d.Err(), syscall.EIO) {
		t.Fatalf("files were closed without a sync: %v", d.Err())
	}
	if err := d.Close(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Close: %v", err)
	}
}

func TestTooManyOpenFilesRefusesTheBatch(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	cfg := testConfig(disk)
	cfg.Cache = newCache(t, CacheConfig{TTL: time.Nanosecond})
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 10, 1))
	must(t, d.Checkpoint())
	cfg.Cache.Expire()
	disk.Add(vfs.Fault{Op: vfs.OpOpen, Path: logSuffix, Err: syscall.EMFILE})
	if _, err := l.Append(batchOf(1, 10, 2), client()); wire.CodeOf(err) != wire.KafkaStorageError || !errors.Is(err, syscall.EMFILE) {
		t.Fatalf("append: %v", err)
	}
	if _, err := l.Read(0, 100, 1, true, nil); wire.CodeOf(err) != wire.KafkaStorageError {
		t.Fatalf("read: %v", err)
	}
	disk.Clear()
	if r := appendTo(t, l, batchOf(1, 10, 2)); r.BaseOffset != 1 {
		t.Fatalf("after that: %+v", r)
	}
	must(t, d.Close())
}

// TestARemovedSegmentIsClosed counts after retention, truncation and deletion.
func TestARemovedSegmentIsClosed(t *testing.T) {
	fsys := &countingFS{FS: vfs.NewMemory(nil)}
	cfg := smallSegments(testConfig(fsys))
	cfg.Cache = newCache(t, CacheConfig{})
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	fillSegments(t, l, 50)
	must(t, d.Checkpoint())
	readAll(t, l)
	open := func() int64 { return cfg.Cache.Stats().OpenFiles }
	if open() != 50 {
		t.Fatalf("%d files are open of 50 segments", open())
	}
	must(t, l.raiseStart((*l.segments.Load())[20].base, nil))
	_, err := l.Retain(testTime, l.EndOffset())
	must(t, err)
	if open() != 30 {
		t.Fatalf("%d files are open of 30 segments after retention", open())
	}
	must(t, l.Truncate((*l.segments.Load())[10].base+1))
	must(t, d.Checkpoint())
	if open() != 11 {
		t.Fatalf("%d files are open of 11 segments after a truncation", open())
	}
	must(t, d.Delete(testTopic, 0))
	if s := cfg.Cache.Stats(); s.OpenFiles != 0 || s.Indexes.Held != 0 || s.Files.Held != 0 {
		t.Fatalf("after the deletion: %+v", s)
	}
	must(t, d.Close())
}

// TestADamagedIndexIsNotUsed changes every byte of an offset index: a read brings what was appended, or fails.
func TestADamagedIndexIsNotUsed(t *testing.T) {
	memory := vfs.NewMemory(nil)
	cfg := testConfig(memory)
	cfg.DefaultLogConfig.IndexIntervalBytes = 100
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	for i := range int64(20) {
		appendTo(t, l, batchOf(1, 150, i))
	}
	want := readAll(t, l)
	must(t, d.Checkpoint())
	s := l.active()
	name := path.Join(l.path, offsetName(0, offsetSuffix))
	good, err := vfs.ReadFile(memory, name, 1<<20)
	must(t, err)
	if len(good) < 10*offsetEntryBytes {
		t.Fatalf("the index has %d bytes", len(good))
	}
	f, err := memory.Open(name, vfs.ReadWrite)
	must(t, err)
	refused := 0
	for i := range good {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			_, err := f.WriteAt([]byte{good[i] ^ flip}, int64(i))
			must(t, err)
			s.offsets.loaded.Store(nil)
			for offset := range l.EndOffset() {
				data, err := l.Read(offset, 300, l.EndOffset(), true, nil)
				if wire.CodeOf(err) == wire.KafkaStorageError {
					refused++
					continue
				}
				must(t, err)
				h, _ := parseHeader(data)
				if h.base != offset || !bytes.Contains(want, data) {
					t.Fatalf("byte %d changed by %#x: a read of %d brings offset %d", i, flip, offset, h.base)
				}
			}
		}
		_, err := f.WriteAt(good[i:i+1], int64(i))
		must(t, err)
	}
	must(t, f.Close())
	if n := d.files.cache.Stats().Damaged; n == 0 || n > int64(refused) {
		t.Errorf("%d reads were refused, %d of them for the index", refused, n)
	}
	s.offsets.loaded.Store(nil)
	if !bytes.Equal(readAll(t, l), want) {
		t.Error("the good index is not used")
	}
	must(t, d.Close())
}

func TestReadsOfAClosedLogFail(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 10, 1))
	s := l.active()
	must(t, d.Close())
	if _, err := s.f.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the file: %v", err)
	}
	if _, _, _, err := s.offsets.floor(0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the index: %v", err)
	}
}
