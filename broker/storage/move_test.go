package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
		gapsSurviveAMove(t, disk, from, to, seed)
	}
}

// gapsSurviveAMove moves a log that compaction has left with gaps, lets the power go, and closes what is opened again.
func gapsSurviveAMove(t *testing.T, disk *vfs.Memory, from, to *Directory, seed uint64) {
	t.Helper()
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

// TestACopyBringsBackNothing: what compaction takes out of a log while it is copied must not stay in the copy as if it were clean.
func TestACopyBringsBackNothing(t *testing.T) {
	var clock movingClock
	cfg := compactConfig(vfs.NewMemory(nil))
	cfg.Clock = clock.now
	cfg.DefaultLogConfig.DeleteRetentionMs = 1000
	from := openDir(t, cfg)
	cfg.Dir = movedDir
	to := openDir(t, cfg)
	l := newLogIn(t, from)
	appendTo(t, l, keyed("deleted", "value"))
	fill := func(l *Log) {
		for i := range 100 {
			appendTo(t, l, keyed(fmt.Sprint("key ", i%7), fmt.Sprint("value ", i)))
		}
	}
	fill(l)
	appendTo(t, l, keyed("deleted", ""))
	fill(l)
	waitConfirmed(t, l)
	must(t, from.Checkpoint())

	m, err := to.StartMove(l)
	must(t, err)
	must(t, m.Copy(context.Background()))
	testCleaner(t, from, cfg.Clock).Clean(context.Background())
	moved, err := m.Finish(context.Background())
	must(t, err)
	for range 4 {
		clock.pass(time.Hour)
		fill(moved)
		waitConfirmed(t, moved)
		must(t, to.Checkpoint())
		testCleaner(t, to, cfg.Clock).Clean(context.Background())
	}
	value, tombstone := -1, -1
	for i, s := range survivors(t, moved) {
		switch _, record, _ := strings.Cut(s, ":"); record {
		case "deleted=value":
			value = i
		case "deleted=":
			tombstone = i
		}
	}
	if value > tombstone {
		t.Error("a value is back whose tombstone has gone")
	}
	must(t, from.Close())
	must(t, to.Close())
}

func TestCompactionGoesOnAfterAMoveIsGivenUp(t *testing.T) {
	from, to := twoDirectories(t, vfs.NewMemory(nil))
	l := gapped(t, from)
	for i := range 100 {
		appendTo(t, l, keyed(fmt.Sprint("key ", i%7), fmt.Sprint("value ", i)))
	}
	waitConfirmed(t, l)
	must(t, from.Checkpoint())
	m, err := to.StartMove(l)
	must(t, err)
	c := testCleaner(t, from, from.cfg.Clock)
	if c.Clean(context.Background()) {
		t.Error("a log is compacted while it is copied")
	}
	must(t, m.Abandon())
	if !c.Clean(context.Background()) {
		t.Error("nothing is compacted after the move was given up")
	}
	must(t, from.Close())
	must(t, to.Close())
}

func TestATruncationOvertakesAMove(t *testing.T) {
	from, to := twoDirectories(t, vfs.NewMemory(nil))
	l := newLogIn(t, from)
	for i := range 20 {
		appendTo(t, l, keyed("key", fmt.Sprint("first ", i)))
	}
	m, err := to.StartMove(l)
	must(t, err)
	must(t, m.Copy(context.Background()))
	must(t, l.Truncate(5))
	for i := range 20 {
		appendTo(t, l, keyed("key", fmt.Sprint("other ", i)))
	}
	if _, err := m.Finish(context.Background()); !errors.Is(err, ErrMoveOvertaken) {
		t.Errorf("the move ends with %v", err)
	}
	must(t, m.Abandon())
	want := survivors(t, l)
	if got := survivors(t, moveTo(t, to, l)); !slices.Equal(got, want) {
		t.Errorf("the copy has\n%v\nand not\n%v", got, want)
	}
	must(t, from.Close())
	must(t, to.Close())
}
