package storage

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

func newScrubber(t *testing.T, d *Directory) *Scrubber {
	t.Helper()
	return NewScrubber(ScrubConfig{Interval: 1, BytesPerSecond: 1 << 60, Directories: []*Directory{d}})
}

// sealedLog is a log of some segments, all but the last of which a checkpoint has made durable.
func sealedLog(t *testing.T, disk vfs.FS) (*Directory, *Log) {
	t.Helper()
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for i := range 100 {
		appendTo(t, l, batchOf(2, 300, testTime.UnixMilli()+int64(i)))
	}
	must(t, d.Checkpoint())
	return d, l
}

// flipBit changes a bit, durably, and back when it is called again.
func flipBit(t testing.TB, fsys vfs.FS, name string, at int64) {
	t.Helper()
	must(t, tryFlipBit(fsys, name, at))
}

func tryFlipBit(fsys vfs.FS, name string, at int64) (err error) {
	f, err := fsys.Open(name, vfs.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b [1]byte
	if _, err = f.ReadAt(b[:], at); err != nil {
		return err
	}
	b[0] ^= 1
	if _, err = f.WriteAt(b[:], at); err != nil {
		return err
	}
	return f.Sync()
}

func TestScrubberFindsWhatThisProcessHasWritten(t *testing.T) {
	for _, suffix := range segmentSuffixes[:3] {
		disk := vfs.NewMemory(nil)
		d, l := sealedLog(t, disk)
		s := newScrubber(t, d)
		must(t, s.Scrub(t.Context()))
		if n := d.scrub.segments.Load(); n < 3 || d.scrub.damaged.Load() != 0 || d.scrub.completed.Load() != testTime.Unix() {
			t.Fatalf("%d segments, %d damaged", n, d.scrub.damaged.Load())
		}
		second := (*l.segments.Load())[1]
		flipBit(t, disk, second.name(suffix), 14) // no batch's checksum covers it
		must(t, s.Scrub(t.Context()))
		if d.scrub.damaged.Load() != 1 {
			t.Fatalf("%s: %d damaged", suffix, d.scrub.damaged.Load())
		}
		damaged := func() bool {
			_, err := l.Read(second.base, 1000, l.EndOffset(), true, nil)
			return wire.CodeOf(err) == wire.KafkaStorageError
		}
		if suffix != logSuffix {
			until(t, "the index is built anew", func() bool { return !damaged() })
			rebuiltOnce(t, d)
		} else if !damaged() {
			t.Error("a read of the damaged segment is answered")
		}
		if _, err := l.Read(0, 1000, l.EndOffset(), true, nil); err != nil {
			t.Errorf("%s: a read of another segment: %v", suffix, err)
		}
		must(t, d.Close())
	}
}

func TestScrubberMakesMissingSideCarsOfGoodSegmentsOnly(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d, l := sealedLog(t, disk)
	s := newScrubber(t, d)
	segments := *l.segments.Load()
	var names []string
	for _, segment := range segments[:2] {
		names = append(names, segment.name(sumsSuffix))
		must(t, disk.Remove(segment.name(sumsSuffix)))
	}
	flipBit(t, disk, segments[1].name(logSuffix), 100) // within a batch's checksum
	must(t, s.Scrub(t.Context()))
	if _, err := vfs.Stat(disk, names[0]); err != nil {
		t.Errorf("the side-car of a good segment: %v", err)
	}
	if _, err := vfs.Stat(disk, names[1]); !isNotExist(err) {
		t.Errorf("the side-car of a damaged segment: %v", err)
	}
	if d.scrub.damaged.Load() != 1 || d.scrub.made.Load() != 1 {
		t.Errorf("%d damaged, %v made", d.scrub.damaged.Load(), d.scrub.made.Load())
	}
	must(t, d.Close())
	flipBit(t, disk, segments[0].name(logSuffix), 14)
	d = openDir(t, testConfig(disk))
	if _, err := d.Log("topic", 0).Read(0, 1000, 10, true, nil); wire.CodeOf(err) != wire.KafkaStorageError {
		t.Errorf("the side-car that was made does not cover the segment: %v", err)
	}
	must(t, d.Close())
}

// TestAScrubberWithNothingToDoEnds: its end must be seen where nothing is read, too.
func TestAScrubberWithNothingToDoEnds(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	newLogIn(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		NewScrubber(ScrubConfig{Interval: time.Hour, BytesPerSecond: 1 << 20, Directories: []*Directory{d}}).Run(ctx)
	}()
	cancel()
	<-ended
	must(t, d.Close())
}

// TestScrubberLeavesWhatItCannotRead: a read that fails is counted, and not taken for damage that stays.
func TestScrubberLeavesWhatItCannotRead(t *testing.T) {
	for name, fault := range map[string]vfs.Fault{
		"a failed read":       {Op: vfs.OpRead, Path: logSuffix, Count: 1, Err: syscall.EIO},
		"too many open files": {Op: vfs.OpOpen, Path: sumsSuffix, Count: 1, Err: syscall.EMFILE},
	} {
		t.Run(name, func(t *testing.T) {
			faults := vfs.NewFaults(vfs.NewMemory(nil))
			d, l := sealedLog(t, faults)
			faults.Add(fault)
			must(t, newScrubber(t, d).Scrub(t.Context()))
			if faults.Pending() > 0 {
				t.Fatal("the call was not made")
			}
			want := int64(0)
			if fault.Op == vfs.OpRead {
				want = 1
			}
			if n := d.scrub.damaged.Load(); n != want {
				t.Errorf("counted %d times", n)
			}
			readAll(t, l)
			must(t, d.Close())
		})
	}
}

// TestScrubberLeavesASegmentThatWasCut: a segment that a truncation has cut ends again where the recovery point is, before a checkpoint
// has brought its side-car up to date.
func TestScrubberLeavesASegmentThatWasCut(t *testing.T) {
	d, l := sealedLog(t, vfs.NewMemory(nil))
	first := (*l.segments.Load())[0]
	must(t, l.Truncate(first.base+3))
	cfg := l.Config()
	cfg.SegmentBytes = first.size.Load() + 100
	l.SetConfig(cfg)
	appendTo(t, l, batchOf(1, 200, testTime.UnixMilli())) // begins another segment
	s := newScrubber(t, d)
	for range 2 {
		must(t, s.Scrub(t.Context()))
		if n := d.scrub.damaged.Load(); n > 0 {
			t.Fatalf("%d damages are found in a segment that was cut", n)
		}
		must(t, d.Checkpoint())
	}
	if d.scrub.segments.Load() == 0 {
		t.Error("the segment is not verified after the checkpoint")
	}
	must(t, d.Close())
}
