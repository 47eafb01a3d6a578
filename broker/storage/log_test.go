package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestReadBounds(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	var size int64
	for range 10 {
		b := batchOf(3, 100, 1)
		size = int64(len(b))
		appendTo(t, l, b)
	}
	for _, c := range []struct {
		name         string
		offset       int64
		max          int64
		upTo         int64
		minOne       bool
		first, count int64
		code         int16
	}{
		{"all", 0, 1 << 20, 30, false, 0, 10, wire.None},
		{"from the middle of a batch", 4, 1 << 20, 30, false, 3, 9, wire.None},
		{"up to a high watermark", 0, 1 << 20, 7, false, 0, 2, wire.None},
		{"as many as fit", 3, 3*size + 1, 30, false, 3, 3, wire.None},
		{"none fits", 0, size - 1, 30, false, 0, 0, wire.None},
		{"one although it does not fit", 0, 1, 30, true, 0, 1, wire.None},
		{"at the end", 30, 100, 30, true, 0, 0, wire.None},
		{"behind the end", 31, 100, 30, true, 0, 0, wire.OffsetOutOfRange},
		{"before the start", -1, 100, 30, true, 0, 0, wire.OffsetOutOfRange},
	} {
		data, err := l.Read(c.offset, int(c.max), c.upTo, c.minOne, make([]byte, 0, 64))
		got := split(data)
		if wire.CodeOf(err) != c.code || int64(len(got)) != c.count {
			t.Errorf("%s: %d batches, %v", c.name, len(got), err)
			continue
		}
		if c.count > 0 && record.Batch(got[0]).BaseOffset() != c.first {
			t.Errorf("%s: starts at %d", c.name, record.Batch(got[0]).BaseOffset())
		}
	}
	must(t, d.Close())
}

func TestRefusals(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	cfg := l.Config()
	cfg.MaxMessageBytes = 1000
	l.SetConfig(cfg)
	appendTo(t, l, batchOf(2, 10, 1))
	replicated := batchOf(1, 10, 1)
	for _, c := range []struct {
		name  string
		batch []byte
		info  AppendInfo
		code  int16
	}{
		{"no batch", []byte("nonsense"), client(), wire.CorruptMessage},
		{"two batches", append(batchOf(1, 1, 1), batchOf(1, 1, 1)...), client(), wire.CorruptMessage},
		{"too large", batchOf(1, 1000, 1), client(), wire.MessageTooLarge},
		{"larger than a segment", batchOf(1, 20_000, 1), AppendInfo{Origin: Replication}, wire.OffsetOutOfRange},
		{"replicated twice", replicated, AppendInfo{Origin: Replication}, wire.OffsetOutOfRange},
		{"nobody's", batchOf(1, 1, 1), AppendInfo{}, wire.CorruptMessage},
	} {
		if _, err := l.Append(c.batch, c.info); wire.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if l.EndOffset() != 2 {
		t.Fatalf("the log ends at %d", l.EndOffset())
	}
	must(t, d.Close())
	if _, err := l.Append(batchOf(1, 1, 1), client()); wire.CodeOf(err) != wire.KafkaStorageError {
		t.Fatalf("append to a closed log: %v", err)
	}
}

func TestTimestamps(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for i := range 300 {
		appendTo(t, l, batchOf(2, 50, int64(1000+10*i)))
	}
	check := func(l *Log) {
		t.Helper()
		for _, ts := range []int64{0, 1000, 1001, 1002, 2555, 3991} {
			found, ok, err := l.OffsetForTimestamp(ts, l.EndOffset())
			must(t, err)
			want := max((ts-1000+8)/10*2, 0)
			if (ts-1000)%10 == 1 && ts > 1000 {
				want = (ts-1000)/10*2 + 1
			}
			if !ok || found.Offset != want || found.LeaderEpoch != 1 {
				t.Errorf("timestamp %d: %+v, want offset %d", ts, found, want)
			}
		}
		if found, ok, err := l.OffsetForTimestamp(5000, l.EndOffset()); ok || err != nil {
			t.Errorf("later than all: %+v, %v", found, err)
		}
		if found, ok, err := l.OffsetForTimestamp(2000, 100); ok || err != nil {
			t.Errorf("above what may be read: %+v, %v", found, err)
		}
		if found, ok, err := l.MaxTimestamp(l.EndOffset()); !ok || err != nil || found.Offset != 599 || found.Timestamp != 3991 {
			t.Errorf("largest timestamp: %+v, %v", found, err)
		}
	}
	check(l)
	must(t, d.Close())
	d = openDir(t, testConfig(disk))
	check(d.Log("topic", 0))
	must(t, d.Close())
}

func TestRetention(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for range 400 {
		appendTo(t, l, batchOf(1, 200, testTime.UnixMilli()))
	}
	before := len(*l.segments.Load())
	if n, err := l.Retain(testTime, 400); n != 0 || err != nil {
		t.Fatalf("nothing to remove: %d, %v", n, err)
	}
	cfg := l.Config()
	cfg.RetentionBytes = l.Size() / 2
	l.SetConfig(cfg)
	if n, err := l.Retain(testTime, 0); n != 0 || err != nil {
		t.Fatalf("above the high watermark: %d, %v", n, err)
	}
	n, err := l.Retain(testTime, 400)
	must(t, err)
	if n == 0 || len(*l.segments.Load()) != before-n || l.StartOffset() != (*l.segments.Load())[0].base || l.Size() < cfg.RetentionBytes {
		t.Fatalf("by size: %d of %d segments went, the log starts at %d", n, before, l.StartOffset())
	}
	must(t, l.DeleteRecordsBefore(l.StartOffset()+100))
	start := l.StartOffset()
	if _, err := l.Read(start-1, 100, 400, true, nil); wire.CodeOf(err) != wire.OffsetOutOfRange {
		t.Fatalf("read below the start: %v", err)
	}
	if err := l.DeleteRecordsBefore(401); wire.CodeOf(err) != wire.OffsetOutOfRange {
		t.Fatalf("delete above the end: %v", err)
	}
	if n, err = l.Retain(testTime, 400); n == 0 || err != nil || l.StartOffset() != start {
		t.Fatalf("by log start: %d, %v, the log starts at %d", n, err, l.StartOffset())
	}
	cfg.RetentionMs = 1000
	l.SetConfig(cfg)
	if _, err = l.Retain(testTime.Add(time.Minute), 400); err != nil || l.StartOffset() != 400 || l.Size() != 0 {
		t.Fatalf("by time: %v, the log starts at %d", err, l.StartOffset())
	}
	d.reap(testTime.Add(time.Hour))
	entries, err := disk.List(l.path)
	must(t, err)
	if len(entries) > 6 {
		t.Fatalf("%d files are left", len(entries))
	}
	must(t, d.Close())
	d = openDir(t, testConfig(disk))
	l = d.Log("topic", 0)
	if l.StartOffset() != 400 || l.EndOffset() != 400 {
		t.Fatalf("after a restart: %d to %d", l.StartOffset(), l.EndOffset())
	}
	must(t, d.Close())
}

func TestRemovedSegmentsStayForTheTopicsOwnDelay(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	cfg := d.cfg.DefaultLogConfig
	cfg.FileDeleteDelay, cfg.RetentionMs = time.Second, 1
	l.SetConfig(cfg)
	appendTo(t, l, batchOf(3, 10, testTime.UnixMilli()))
	waitConfirmed(t, l)
	if n, err := l.Retain(testTime.Add(time.Hour), 3); n != 1 || err != nil {
		t.Fatalf("%d segments removed: %v", n, err)
	}
	left := func() (n int) {
		entries, err := disk.List(l.path)
		must(t, err)
		for _, e := range entries {
			if strings.HasSuffix(e.Name, deletedSuffix) {
				n++
			}
		}
		return n
	}
	d.reap(testTime.Add(999 * time.Millisecond))
	if left() == 0 {
		t.Error("the files went before their time")
	}
	d.reap(testTime.Add(time.Second))
	if n := left(); n != 0 {
		t.Errorf("%d files are left after file.delete.delay.ms", n)
	}
	must(t, d.Close())
}

func TestDeletedTopicDoesNotComeBack(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(5, 10, 1))
	must(t, d.Delete(testTopic, 0))
	if _, err := l.Append(batchOf(1, 1, 1), client()); wire.CodeOf(err) != wire.UnknownTopicOrPartition {
		t.Fatalf("append to a deleted log: %v", err)
	}
	again, err := d.Create(TopicID{9}, "topic", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	b := batchOf(1, 3, 1)
	appendTo(t, again, b)
	waitConfirmed(t, again)
	disk = disk.Crash(7)
	_ = d.Close() // without power
	d = openDir(t, testConfig(disk))
	l = d.Log("topic", 0)
	if l == nil || l.TopicID() != (TopicID{9}) || !bytes.Equal(readAll(t, l), b) {
		t.Fatal("the new topic does not hold just its own record")
	}
	must(t, d.Close())
}

func TestFailures(t *testing.T) {
	t.Run("a full disk refuses the batch", func(t *testing.T) {
		disk := vfs.NewFaults(vfs.NewMemory(nil))
		d := openDir(t, testConfig(disk))
		l := newLogIn(t, d)
		disk.Add(vfs.Fault{Op: vfs.OpAllocate, Count: 2, Err: syscall.ENOSPC})
		if _, err := l.Append(batchOf(1, 1, 1), client()); wire.CodeOf(err) != wire.KafkaStorageError || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("append: %v", err)
		}
		must(t, d.Err())
		until(t, "there is space", func() bool { return d.Full() == nil })
		if r := appendTo(t, l, batchOf(1, 1, 1)); r.BaseOffset != 0 {
			t.Fatalf("after that: %+v", r)
		}
		must(t, d.Close())
	})
	for name, fault := range map[string]vfs.Fault{
		"segment":    {Op: vfs.OpSync, Path: logSuffix, Count: 1, Err: syscall.EIO},
		"journal":    {Op: vfs.OpSync, Path: "chronik.journal.", Count: 1, Err: syscall.EIO},
		"checkpoint": {Op: vfs.OpRename, Path: recoveryPointFile, Count: 1, Err: syscall.EIO},
	} {
		t.Run("a failed sync ends the directory: "+name, func(t *testing.T) {
			memory := vfs.NewMemory(nil)
			disk := vfs.NewFaults(memory)
			d := openDir(t, testConfig(disk))
			l := newLogIn(t, d)
			disk.Add(fault)
			if _, err := l.Append(batchOf(1, 1, 1), client()); err != nil && !errors.Is(err, syscall.EIO) {
				t.Fatalf("append: %v", err) // the journal may have failed with the log's creation already
			}
			_ = d.Checkpoint() // fails here or in the journal
			<-d.Failed()
			if !errors.Is(d.Err(), syscall.EIO) {
				t.Fatalf("Err: %v", d.Err())
			}
			if _, err := l.Append(batchOf(1, 1, 1), client()); wire.CodeOf(err) != wire.KafkaStorageError {
				t.Fatalf("append: %v", err)
			}
			if err := d.Close(); !errors.Is(err, syscall.EIO) {
				t.Fatalf("Close: %v", err)
			}
			if _, err := vfs.Stat(memory, path.Join(testDir, cleanShutdownFile)); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("a failed directory has a marker: %v", err)
			}
		})
	}
}

func TestReadersAndWritersAtOnce(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	const total = 1500
	var group sync.WaitGroup
	errs := make(chan error, 4)
	for range 3 {
		group.Go(func() {
			next := int64(0)
			var dst []byte
			for next < total {
				data, err := l.Read(next, 2000, l.EndOffset(), true, dst)
				if err != nil {
					errs <- err
					return
				}
				record.Batches(data, func(b record.Batch) bool {
					if b.BaseOffset() != next || b.CRC() != b.ComputeCRC() {
						errs <- fmt.Errorf("batch at %d instead of %d", b.BaseOffset(), next)
					}
					next = b.LastOffset() + 1
					return true
				})
				dst = data
			}
		})
	}
	for i := range total {
		appendTo(t, l, batchOf(1, 50+i%100, 1))
		if i%500 == 0 {
			must(t, d.Checkpoint())
		}
	}
	group.Wait()
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
	must(t, d.Close())
}

func TestDirectoryIsLocked(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	if _, err := Open(testConfig(disk)); !errors.Is(err, vfs.ErrLocked) {
		t.Fatalf("second Open: %v", err)
	}
	must(t, d.Close())
}

func TestMetaProperties(t *testing.T) {
	disk := vfs.NewMemory(nil)
	if _, err := ReadMetaProperties(disk, testDir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a directory that is not formatted: %v", err)
	}
	want := MetaProperties{ClusterID: "MkU3OEVBNTcwNTJENDM2Qg", NodeID: 3, DirectoryID: [16]byte{1, 2}}
	must(t, want.Write(disk, testDir))
	got, err := ReadMetaProperties(disk, testDir)
	must(t, err)
	if *got != want {
		t.Fatalf("%+v", got)
	}
	must(t, replaceText(disk, path.Join(testDir, metaPropertiesFile), []byte("version=2\n")))
	if _, err := ReadMetaProperties(disk, testDir); !errors.Is(err, ErrMetaProperties) {
		t.Fatalf("a newer version: %v", err)
	}
}

func TestEpochs(t *testing.T) {
	e := &epochs{}
	for _, s := range []epochStart{{1, 0}, {3, 10}, {3, 12}, {5, 20}} {
		e.assign(s.epoch, s.start)
	}
	for _, c := range []struct {
		epoch int32
		want  EpochEnd
	}{{-1, EpochEnd{-1, -1}}, {0, EpochEnd{0, 0}}, {1, EpochEnd{1, 10}}, {2, EpochEnd{1, 10}}, {3, EpochEnd{3, 20}}, {4, EpochEnd{3, 20}}, {5, EpochEnd{5, 33}}, {6, EpochEnd{-1, -1}}} {
		if got := e.endOffsetFor(c.epoch, 33); got != c.want {
			t.Errorf("epoch %d ends at %+v, want %+v", c.epoch, got, c.want)
		}
	}
	e.truncateFromStart(15)
	e.truncateFromEnd(20)
	if got := fmt.Sprint(e.entries); got != "[{3 15}]" {
		t.Errorf("after truncations: %s", got)
	}
	e.assign(2, 14)
	if got := fmt.Sprint(e.entries); got != "[{2 14}]" {
		t.Errorf("after a smaller epoch: %s", got)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			cfg := Config{FS: vfs.OS{}, Dir: b.TempDir()}
			d := openDir(b, cfg)
			logCfg := DefaultLogConfig()
			l, err := d.Create(testTopic, "topic", 0, logCfg)
			must(b, err)
			batch := batchOf(1, size, 1)
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Append(batch, AppendInfo{LeaderEpoch: 1, Now: testTime, Origin: Client}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			must(b, d.Close())
		})
	}
}
