package storage

import (
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// oneSegment is a configuration whose segments do not end by themselves.
func oneSegment(disk vfs.FS) Config {
	cfg := testConfig(disk)
	cfg.DefaultLogConfig.SegmentBytes = 1 << 20
	return cfg
}

// grownLog is a log that was stopped cleanly, has grown since, and whose .log is durable: the side-car of its active segment tells of
// the clean stop.
func grownLog(t *testing.T, disk vfs.FS) (*Directory, *Log, []byte) {
	t.Helper()
	d := openDir(t, oneSegment(disk))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(2, 300, testTime.UnixMilli()))
	must(t, d.Close())
	d = openDir(t, oneSegment(disk))
	l = d.Log("topic", 0)
	for i := int64(1); i < 100; i++ {
		appendTo(t, l, batchOf(2, 300, testTime.UnixMilli()+i))
	}
	waitConfirmed(t, l)
	must(t, d.Checkpoint())
	return d, l, readAll(t, l)
}

// TestScrubberWaitsForTheSideCarOfAnEndedSegment: what the segment's last side-car tells is of before it ended.
func TestScrubberWaitsForTheSideCarOfAnEndedSegment(t *testing.T) {
	d, l, _ := grownLog(t, vfs.NewMemory(nil))
	must(t, l.rollFrom(l.active()))
	s := newScrubber(t, d)
	must(t, s.Scrub(t.Context()))
	if n := d.scrub.damaged.Load() + d.scrub.segments.Load(); n != 0 {
		t.Errorf("%d damaged, %d verified", d.scrub.damaged.Load(), d.scrub.segments.Load())
	}
	must(t, d.Checkpoint())
	must(t, s.Scrub(t.Context()))
	if d.scrub.damaged.Load() != 0 || d.scrub.segments.Load() != 1 || d.scrub.made.Load() != 0 {
		t.Errorf("%d damaged, %d verified, %d made", d.scrub.damaged.Load(), d.scrub.segments.Load(), d.scrub.made.Load())
	}
	must(t, d.Close())
}

// TestAMendedActiveSegmentHasASideCarThatFits: the next start would take another size of the .log for corruption.
func TestAMendedActiveSegmentHasASideCarThatFits(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d, l, want := grownLog(t, disk)
	l.mendIndexes(l.active())
	until(t, "the indexes are built anew", func() bool { return d.scrub.rebuilt.Load() == 1 })
	mended(t, d, l, want)
	must(t, d.Close())
	d = openDir(t, oneSegment(disk))
	mended(t, d, d.Log("topic", 0), want)
	must(t, newScrubber(t, d).Scrub(t.Context()))
	if n := d.scrub.damaged.Load() + d.scrub.uncovered.Load(); n != 0 {
		t.Error("there is damage left")
	}
	must(t, d.Close())
}
