package storage

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// indexedLog is a log of some segments that was stopped cleanly, and what it holds.
func indexedLog(t *testing.T, disk vfs.FS) (data []byte, segments []*segment) {
	t.Helper()
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for i := range 100 {
		appendTo(t, l, batchOf(2, 300, testTime.UnixMilli()+int64(i)))
	}
	data, segments = readAll(t, l), *l.segments.Load()
	must(t, d.Close())
	return data, segments
}

// mended reads until the log answers again, and checks what it answers.
func mended(t *testing.T, d *Directory, l *Log, want []byte) {
	t.Helper()
	until(t, "reads go on", func() bool {
		must(t, d.Err())
		for offset := l.StartOffset(); offset < l.EndOffset(); offset++ {
			_, err := l.Read(offset, 1, l.EndOffset(), true, nil)
			if err == nil {
				_, _, err = l.OffsetForTimestamp(testTime.UnixMilli()+offset/2, l.EndOffset())
			}
			if err != nil && wire.CodeOf(err) != wire.KafkaStorageError {
				t.Fatalf("offset %d: %v", offset, err)
			}
			if err != nil {
				return false
			}
		}
		return true
	})
	if !bytes.Equal(readAll(t, l), want) {
		t.Error("the log does not hold what it held")
	}
	for i := range int64(100) {
		found, ok, err := l.OffsetForTimestamp(testTime.UnixMilli()+i, l.EndOffset())
		if err != nil || !ok || found.Offset != max(2*i-1, 0) {
			t.Fatalf("timestamp %d is at offset %d, %v", i, found.Offset, err)
		}
	}
}

// rebuiltOnce waits until the indexes of one segment are counted as built anew: reads go on a moment before.
func rebuiltOnce(t *testing.T, d *Directory) {
	t.Helper()
	until(t, "new indexes are counted", func() bool { return d.scrub.rebuilt.Load() > 0 })
	if n := d.scrub.rebuilt.Load(); n != 1 {
		t.Errorf("%d were built anew", n)
	}
}

// TestADamagedIndexIsBuiltAnew: in a segment that has ended and in the active one, found by a read, while records are appended.
func TestADamagedIndexIsBuiltAnew(t *testing.T) {
	for _, suffix := range []string{offsetSuffix, timeSuffix} {
		for _, at := range []int{1, -1} {
			for _, how := range []string{"flipped", "shorter", "gone"} {
				t.Run(fmt.Sprint(suffix, at, how), func(t *testing.T) {
					disk := vfs.NewMemory(nil)
					want, segments := indexedLog(t, disk)
					name := segments[(at+len(segments))%len(segments)].name(suffix)
					original, err := vfs.ReadFile(disk, name, 1<<20)
					must(t, err)
					d := openDir(t, testConfig(disk)) // a start would build a shorter one anew
					l := d.Log("topic", 0)
					switch how {
					case "flipped":
						flipBit(t, disk, name, int64(len(original)/2))
					case "shorter":
						shorten(t, disk, name, int64(len(original)/2))
					default:
						must(t, disk.Remove(name))
					}
					mended(t, d, l, want)
					rebuiltOnce(t, d)
					if now, err := vfs.ReadFile(disk, name, 1<<20); err != nil || !bytes.Equal(now, original) {
						t.Errorf("the index is another one: %d bytes and not %d, %v", len(now), len(original), err)
					}
					must(t, d.Close())
					d = openDir(t, testConfig(disk))
					mended(t, d, d.Log("topic", 0), want)
					must(t, newScrubber(t, d).Scrub(t.Context()))
					if n := d.scrub.rebuilt.Load() + d.scrub.damaged.Load() + d.scrub.uncovered.Load(); n != 0 {
						t.Error("there is damage left")
					}
					must(t, d.Close())
				})
			}
		}
	}
}

// shorten cuts a file.
func shorten(t *testing.T, fsys vfs.FS, name string, size int64) {
	t.Helper()
	f, err := fsys.Open(name, vfs.ReadWrite)
	must(t, err)
	must(t, f.Truncate(size))
	must(t, f.Close())
}

// TestARollOverADamagedIndexGoesOn: the damage is in what the end of a segment reads.
func TestARollOverADamagedIndexGoesOn(t *testing.T) {
	for _, suffix := range []string{offsetSuffix, timeSuffix} {
		disk := vfs.NewMemory(nil)
		want, segments := indexedLog(t, disk)
		d := openDir(t, testConfig(disk))
		l := d.Log("topic", 0)
		flipBit(t, disk, segments[len(segments)-1].name(suffix), 0)
		for range 60 {
			b := batchOf(2, 300, testTime.UnixMilli()+1000)
			appendTo(t, l, b)
			want = append(want, b...)
		}
		must(t, d.Err())
		mended(t, d, l, want)
		must(t, d.Close())
	}
}

// TestATruncationOverADamagedIndexIsRefused before anything is cut; it succeeds when the index is built anew.
func TestATruncationOverADamagedIndexIsRefused(t *testing.T) {
	for _, suffix := range []string{offsetSuffix, timeSuffix} {
		disk := vfs.NewMemory(nil)
		_, segments := indexedLog(t, disk)
		d := openDir(t, testConfig(disk))
		l := d.Log("topic", 0)
		second := segments[1]
		flipBit(t, disk, second.name(suffix), 14)
		until(t, "the truncation is done", func() bool {
			err := l.Truncate(second.base + 21)
			if err != nil && wire.CodeOf(err) != wire.KafkaStorageError {
				t.Fatal(err)
			}
			must(t, d.Err())
			return err == nil
		})
		if end := l.EndOffset(); end != second.base+20 {
			t.Errorf("%s: the log ends at %d", suffix, end)
		}
		rebuiltOnce(t, d)
		must(t, d.Close())
	}
}

// TestMendingGoesOnWhenItLacksSomething has each call fail once.
func TestMendingGoesOnWhenItLacksSomething(t *testing.T) {
	t.Parallel()
	faults := lackingFaults(30, 6)
	for skip := range 8 {
		faults = append(faults, vfs.Fault{Op: vfs.OpWrite, Path: tmpSuffix, Skip: skip, Count: 1, Err: syscall.ENOSPC})
	}
	for i, fault := range faults {
		t.Run(fmt.Sprintf("%d %v", i, fault.Err), func(t *testing.T) {
			memory := vfs.NewMemory(nil)
			want, segments := indexedLog(t, memory)
			disk := vfs.NewFaults(memory)
			cfg := testConfig(disk)
			var clock movingClock
			cfg.Clock = func() time.Time { // the pauses pass
				clock.pass(mendBackoff)
				return clock.now()
			}
			d := openDir(t, cfg)
			flipBit(t, memory, segments[1].name(offsetSuffix), 14)
			disk.Add(fault)
			mended(t, d, d.Log("topic", 0), want)
			must(t, d.Err())
			disk.Clear()
			must(t, d.Close())
		})
	}
}

// TestPowerLossWhileAnIndexIsBuilt cuts the power at each write: the next start has what the log held.
func TestPowerLossWhileAnIndexIsBuilt(t *testing.T) {
	t.Parallel()
	for at := range 40 {
		for active := range 2 {
			disk := vfs.NewMemory(nil)
			want, segments := indexedLog(t, disk)
			d := openDir(t, testConfig(disk))
			l := d.Log("topic", 0)
			damaged := segments[1]
			if active == 1 {
				damaged = segments[len(segments)-1]
			}
			flipBit(t, disk, damaged.name(offsetSuffix), 14)
			disk.CutPowerAfter(at)
			until(t, "the index is built, or the power is gone", func() bool {
				_, err := l.Read(damaged.base, 1, l.EndOffset(), true, nil)
				return err == nil || d.Err() != nil || !errors.Is(err, ErrCorrupt)
			})
			disk = disk.Crash(uint64(at))
			_ = d.Close() // its disk is gone
			d = openDir(t, testConfig(disk))
			mended(t, d, d.Log("topic", 0), want)
			must(t, d.Close())
		}
	}
}
