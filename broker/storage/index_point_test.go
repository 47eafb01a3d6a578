package storage

import (
	"errors"
	"path"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestIndexPoint: a checkpoint leaves the indexes of a growing segment for later, says so, and a start builds what a power loss has
// taken of them. A log that stands still has all its entries on disk.
func TestIndexPoint(t *testing.T) {
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.CheckpointBytes = 1 << 30 // none but those of the test
	cfg.DefaultLogConfig.SegmentBytes = 1 << 30
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	fill := func() {
		for range 10 {
			appendTo(t, l, batchOf(1, 4000, testTime.UnixMilli()+l.EndOffset()))
		}
		waitConfirmed(t, l)
		must(t, d.Checkpoint())
	}
	fill() // makes the indexes
	made := l.EndOffset()
	fill()
	if point := indexPointOf(t, disk); point != made {
		t.Fatalf("the index point is %d, want %d", point, made)
	}
	want := l.active().offsets.entries()
	next := disk.Crash(3)
	_ = d.Close() // without power
	cfg.FS = next
	d = openDir(t, cfg)
	l = d.Log("topic", 0)
	if n := l.active().offsets.entries(); n != want || l.active().maxTime != testTime.UnixMilli()+l.EndOffset()-1 {
		t.Fatalf("%d entries after a power loss, want %d; the largest time is %d", n, want, l.active().maxTime)
	}
	fill()
	fill()
	must(t, d.Checkpoint())
	if point := indexPointOf(t, next); point != -1 {
		t.Fatalf("a log that stands still has the index point %d", point)
	}
	must(t, d.Close())
}

// TestIndexPointInAnEarlierSegment: a flush that fails behind the indexes of a new segment leaves the index point in the one before,
// whose entries a start builds anew. They are durable before a checkpoint says so.
func TestIndexPointInAnEarlierSegment(t *testing.T) {
	disk := vfs.NewMemory(nil)
	faults := vfs.NewFaults(disk)
	cfg := testConfig(faults)
	cfg.CheckpointBytes = 1 << 30 // none but those of the test
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	add := func() {
		appendTo(t, l, batchOf(1, 4000, testTime.UnixMilli()+l.EndOffset()))
		waitConfirmed(t, l)
	}
	add()
	must(t, d.Checkpoint())
	for len(*l.segments.Load()) == 1 {
		add()
	}
	faults.Add(vfs.Fault{Op: vfs.OpOpen, Path: snapshotSuffix, Count: 1, Err: syscall.EMFILE})
	if err := d.Checkpoint(); !errors.Is(err, syscall.EMFILE) {
		t.Fatalf("a checkpoint without open files says %v", err)
	}
	add()
	must(t, d.Checkpoint())
	base := l.active().base
	next := disk.Kill()
	_ = d.Close() // without its disk
	cfg.FS = next
	d = openDir(t, cfg)
	for _, s := range *d.Log("topic", 0).segments.Load() {
		if s.base <= base && (s.offsets.unsynced() || s.times.unsynced()) {
			t.Errorf("the indexes of segment %d are not durable after a start; the index point was %d", s.base, indexPointOf(t, next))
		}
	}
	must(t, d.Close())
}

// TestLostIndexPoints: without them no entry of an active segment is believed.
func TestLostIndexPoints(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for range 10 {
		appendTo(t, l, batchOf(1, 4000, testTime.UnixMilli()))
		waitConfirmed(t, l)
		must(t, d.Checkpoint())
	}
	want := l.active().offsets.entries()
	next := disk.Kill()
	_ = d.Close() // without its disk
	flipBit(t, next, path.Join(testDir, indexPointFile), 5)
	d = openDir(t, testConfig(next))
	if n := d.Log("topic", 0).active().offsets.entries(); n != want {
		t.Fatalf("%d entries, want %d", n, want)
	}
	must(t, d.Close())
}

// indexPointOf is what the file says of the test's log, -1 where it has no line.
func indexPointOf(t *testing.T, fsys vfs.FS) int64 {
	t.Helper()
	points, err := ignoreUncovered(fsys).readOffsets(path.Join(testDir, indexPointFile))
	must(t, err)
	return points.or("topic-0", -1)
}
