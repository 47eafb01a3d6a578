package storage

import (
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// replicated writes a log as a follower of a compacted one does: batches come with gaps between them, some of which are between
// segments.
func replicated(t testing.TB, l *Log, batches int) {
	t.Helper()
	for range batches {
		b := batchOf(2, 1500, testTime.UnixMilli())
		patch(b, l.EndOffset()+10, 1)
		if _, err := l.Append(b, AppendInfo{LeaderEpoch: 1, Origin: Replication}); err != nil {
			t.Fatal(err)
		}
	}
	waitConfirmed(t, l)
	if !hasGaps(t, l) {
		t.Fatal("there is no gap between segments")
	}
}

var lostPoints = map[string]func(t *testing.T, disk vfs.FS){
	"a damaged byte": func(t *testing.T, disk vfs.FS) { flipBit(t, disk, path.Join(testDir, recoveryPointFile), 6) },
	"no text":        func(t *testing.T, disk vfs.FS) { must(t, disk.Remove(path.Join(testDir, recoveryPointFile))) },
	"nothing": func(t *testing.T, disk vfs.FS) {
		must(t, errors.Join(disk.Remove(path.Join(testDir, recoveryPointFile)), disk.Remove(path.Join(testDir, recoveryPointFile+sumsSuffix))))
	},
	"no side-cars at all": func(t *testing.T, disk vfs.FS) {
		removeSideCars(t, disk, testDir)
		rewrite(t, disk, path.Join(testDir, recoveryPointFile), func(b []byte) []byte { return b[:3] })
	},
}

// removeSideCars removes all side-cars below a directory, durably.
func removeSideCars(t testing.TB, disk vfs.FS, dir string) {
	t.Helper()
	entries, err := disk.List(dir)
	must(t, err)
	for _, e := range entries {
		switch name := path.Join(dir, e.Name); {
		case e.Dir:
			removeSideCars(t, disk, name)
		case strings.HasSuffix(name, sumsSuffix):
			must(t, disk.Remove(name))
		}
	}
	must(t, vfs.SyncDir(disk, dir))
}

// TestGapsOutliveTheRecoveryPoints: without its recovery points a log is verified from its start, and what it has behind a gap stays,
// whether the journal has something of it or nothing.
func TestGapsOutliveTheRecoveryPoints(t *testing.T) {
	for loss, lose := range lostPoints {
		for _, stop := range []string{"stopped", "killed", "killed with frames in the journal"} {
			t.Run(loss+", "+stop, func(t *testing.T) {
				disk := vfs.NewMemory(nil)
				d := openDir(t, testConfig(disk))
				l := newLogIn(t, d)
				replicated(t, l, 40)
				must(t, d.Checkpoint())
				if strings.Contains(stop, "frames") {
					replicated(t, l, 40)
				}
				want := readAll(t, l)
				if stop == "stopped" {
					must(t, d.Close())
				} else {
					disk = disk.Kill()
					_ = d.Close() // without its disk
				}
				lose(t, disk)
				for range 2 {
					d = openDir(t, testConfig(disk))
					if got := readAll(t, d.Log("topic", 0)); !bytes.Equal(got, want) {
						t.Fatalf("%d of %d bytes are left", len(got), len(want))
					}
					disk = disk.Kill()
					_ = d.Close() // without its disk
				}
			})
		}
	}
}

// TestDamageIsNotCutWithoutRecoveryPoints: the side-cars tell what was durable.
func TestDamageIsNotCutWithoutRecoveryPoints(t *testing.T) {
	for _, clean := range []bool{true, false} {
		disk := vfs.NewMemory(nil)
		d := openDir(t, testConfig(disk))
		l := newLogIn(t, d)
		replicated(t, l, 40)
		must(t, d.Checkpoint())
		damaged := (*l.segments.Load())[1].name(logSuffix)
		if clean {
			must(t, d.Close())
		} else {
			disk = disk.Kill()
			_ = d.Close() // without its disk
		}
		flipBit(t, disk, path.Join(testDir, recoveryPointFile), 6)
		flipBit(t, disk, damaged, 200)
		d, err := Open(testConfig(disk))
		if err == nil { // after a clean stop what is read first is verified
			l = d.Log("topic", 0)
			for o := l.StartOffset(); err == nil && o < l.EndOffset(); o++ {
				_, err = l.Read(o, 1, l.EndOffset(), true, nil)
			}
			must(t, d.Close())
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("stopped cleanly: %v: %v", clean, err)
		}
	}
}

// TestALogWithoutARecoveryPointEndsWhereItIsTorn: what was confirmed and not durable may leave a gap, which is a loss where no
// checkpoint has ever seen the log.
func TestALogWithoutARecoveryPointEndsWhereItIsTorn(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	must(t, d.Checkpoint())
	l := newLogIn(t, d)
	for range 40 {
		appendTo(t, l, batchOf(2, 1500, testTime.UnixMilli()))
	}
	waitConfirmed(t, l)
	segments := *l.segments.Load()
	torn, next := segments[1], segments[2].base
	last, cut := torn.base, int64(0)
	for scan := newScanner(torn.f, 0, torn.size.Load()); ; {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		last, cut = h.base, at
	}
	disk = disk.Kill()
	_ = d.Close() // without its disk
	entries, err := disk.List(testDir)
	must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "chronik.journal.") {
			must(t, disk.Remove(path.Join(testDir, e.Name)))
		}
	}
	rewrite(t, disk, torn.name(logSuffix), func(b []byte) []byte { return b[:cut] })
	d = openDir(t, testConfig(disk))
	if end := d.Log("topic", 0).EndOffset(); end != last || end >= next {
		t.Errorf("the log ends at %d, and the loss begins at %d", end, last)
	}
	must(t, d.Close())
}
