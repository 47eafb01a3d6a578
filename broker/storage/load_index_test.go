package storage

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestAStartNeedsNoIndex: a damaged index that a start reads, to find the producers' last batches or the end of the log, is built anew.
func TestAStartNeedsNoIndex(t *testing.T) {
	for _, suffix := range []string{offsetSuffix, timeSuffix} {
		for _, clean := range []bool{false, true} {
			for segment := range 4 {
				t.Run(fmt.Sprintf("%s of segment %d, clean %t", suffix, segment, clean), func(t *testing.T) {
					startWithDamagedIndex(t, segment, suffix, clean)
				})
			}
		}
	}
}

func startWithDamagedIndex(t *testing.T, at int, suffix string, clean bool) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for i := range int32(60) {
		appendTo(t, l, sign(batchOf(1, 800, testTime.UnixMilli()+int64(i)), 7, 0, i, 0))
	}
	waitConfirmed(t, l)
	must(t, d.Checkpoint())
	want, segments := readAll(t, l), *l.segments.Load()
	if len(segments) != 4 {
		t.Fatalf("%d segments", len(segments))
	}
	if clean {
		must(t, d.Close())
	}
	next := disk.Kill()
	_ = d.Close() // without its disk
	name := segments[at].name(suffix)
	info, err := vfs.Stat(next, name)
	must(t, err)
	if info.Size == 0 {
		t.Fatalf("%s is empty", name)
	}
	flipBit(t, next, name, info.Size-1)
	d = openDir(t, testConfig(next))
	l = d.Log("topic", 0)
	must(t, newScrubber(t, d).Scrub(t.Context()))
	until(t, "the log can be read", func() bool {
		for _, s := range segments {
			if _, err := l.Read(s.base+1, 1, l.EndOffset(), true, nil); err != nil {
				return false
			}
		}
		return !slices.ContainsFunc(*l.segments.Load(), func(s *segment) bool { return s.broken.Load() != nil })
	})
	if !bytes.Equal(readAll(t, l), want) {
		t.Error("what is read is not what was written")
	}
	if r, err := l.Append(sign(batchOf(1, 800, testTime.UnixMilli()), 7, 0, 57, 0), client()); err != nil || !r.Duplicate {
		t.Errorf("a batch that is sent again: %+v, %v", r, err)
	}
	must(t, d.Close())
}

// TestAStartTrustsNoIndexWithoutASideCar: an entry that was damaged and still rises can not be told from a good one where no side-car
// tells of it. Recovery makes it anew of the batches, or it would get a side-car that blesses it.
func TestAStartTrustsNoIndexWithoutASideCar(t *testing.T) {
	for _, suffix := range []string{offsetSuffix, timeSuffix} {
		for why, lose := range map[string]func(t *testing.T, disk vfs.FS, l *Log){
			"removed":  func(t *testing.T, disk vfs.FS, _ *Log) { removeSideCars(t, disk, testDir) },
			"of a cut": func(t *testing.T, _ vfs.FS, l *Log) { must(t, l.Truncate(l.EndOffset()-1)) },
		} {
			t.Run(suffix+" "+why, func(t *testing.T) {
				t.Parallel()
				name, files := killedWithoutSideCar(t, suffix, lose)
				for at := range int64(60) {
					startWithDamagedEntry(t, diskOf(t, files), name, at)
				}
			})
		}
	}
}

// killedWithoutSideCar is what is on the disk of a killed directory, and the name of an index of the log's active segment, of which no
// side-car tells.
func killedWithoutSideCar(t *testing.T, suffix string, lose func(t *testing.T, disk vfs.FS, l *Log)) (name string, files map[string]string) {
	t.Helper()
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for i := range 15 {
		appendTo(t, l, batchOf(1, 800, testTime.UnixMilli()+int64(i)))
	}
	waitConfirmed(t, l)
	must(t, d.Checkpoint())
	lose(t, disk, l)
	waitConfirmed(t, l)
	next := disk.Kill()
	_ = d.Close() // without its disk
	return l.active().name(suffix), wholeDisk(t, next)
}

func startWithDamagedEntry(t *testing.T, disk *vfs.Memory, name string, at int64) {
	t.Helper()
	flipBit(t, disk, name, at)
	d := openDir(t, testConfig(disk))
	must(t, checkFiles(disk, d.Log("topic", 0)))
	must(t, d.Close())
}
