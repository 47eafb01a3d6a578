package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const movedDir = "/other"

// twoDirectories opens two log directories of one disk; compacted logs leave gaps between their segments.
func twoDirectories(t testing.TB, disk vfs.FS) (from, to *Directory) {
	t.Helper()
	cfg := compactConfig(disk)
	from = openDir(t, cfg)
	cfg.Dir = movedDir
	return from, openDir(t, cfg)
}

// gapped is a log with a gap between two segments.
func gapped(t testing.TB, d *Directory) *Log {
	t.Helper()
	l := newLogIn(t, d)
	for i := range 300 {
		appendTo(t, l, keyed(fmt.Sprint("key ", i/10%7, " ", i/100), fmt.Sprint("value ", i)))
	}
	waitConfirmed(t, l)
	must(t, d.Checkpoint())
	if !testCleaner(t, d, d.cfg.Clock).Clean(context.Background()) {
		t.Fatal("nothing was compacted")
	}
	return l
}

// hasGaps says whether a segment ends before the next one begins.
func hasGaps(t testing.TB, l *Log) bool {
	t.Helper()
	segments := *l.segments.Load()
	for i, s := range segments[:len(segments)-1] {
		end, err := endOfFile(l.d.cfg.FS, s.name(logSuffix), s.size.Load(), s.base)
		must(t, err)
		if end < segments[i+1].base {
			return true
		}
	}
	return false
}

func moveTo(t testing.TB, d *Directory, l *Log) *Log {
	t.Helper()
	m, err := d.StartMove(l)
	must(t, err)
	must(t, m.Copy(context.Background()))
	moved, err := m.Finish(context.Background())
	must(t, err)
	return moved
}

// TestAMovedLogWithGapsSurvivesACrash: no checkpoint of its new directory tells of a log that has just moved there.
func TestAMovedLogWithGapsSurvivesACrash(t *testing.T) {
	for seed := range uint64(10) {
		disk := vfs.NewMemory(nil)
		from, to := twoDirectories(t, disk)
		l := gapped(t, from)
		if !hasGaps(t, l) {
			t.Fatal("compaction has left no gap")
		}
		want := survivors(t, l)
		moved := moveTo(t, to, l)
		appendTo(t, moved, keyed("after", "the move"))
		waitConfirmed(t, moved)
		want = append(want, fmt.Sprintf("%d:after=the move", moved.EndOffset()-1))
		next := disk.Crash(seed)
		_, _ = from.Close(), to.Close() // without power
		from, to = twoDirectories(t, next)
		if got := survivors(t, to.Log("topic", 0)); !slices.Equal(got, want) {
			t.Fatalf("seed %d: after the crash it has\n%v\nand not\n%v", seed, got, want)
		}
		must(t, errors.Join(from.Close(), to.Close()))
	}
}
