package storage

import (
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestOneStraySnapshotIsKept: checkpoints write the producers anew, keep the newest of these snapshots when the indexes up to there are
// durable, and a roll makes it needless.
func TestOneStraySnapshotIsKept(t *testing.T) {
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.snapshotBytes = 1000
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	sequence := int32(0)
	send := func(size int) {
		appendTo(t, l, sign(batchOf(1, size, testTime.UnixMilli()), 7, 0, sequence, 0))
		sequence++
	}
	checkpoint := func(want ...int64) {
		t.Helper()
		must(t, d.Checkpoint())
		must(t, d.Checkpoint()) // makes the indexes durable: until then a start needs an older one
		if got, err := l.snapshots(); err != nil || !slices.Equal(got, want) {
			t.Fatalf("snapshots at %d and not %d, %v", got, want, err)
		}
	}
	send(100)
	checkpoint()
	send(2000)
	checkpoint(2)
	send(100)
	checkpoint(2)
	send(2000)
	checkpoint(4)
	for len(*l.segments.Load()) == 1 {
		send(3000)
	}
	base := l.active().base
	checkpoint(base, l.EndOffset())
	send(3000)
	checkpoint(base, l.EndOffset())
	must(t, l.Truncate(l.EndOffset()-1))
	if got, err := l.snapshots(); err != nil || !slices.Equal(got, []int64{base}) {
		t.Fatalf("snapshots of what was cut: %d, %v", got, err)
	}
	checkpoint(base, l.EndOffset())
	waitConfirmed(t, l)
	disk = disk.Kill()
	_ = d.Close() // without its disk
	cfg.FS = disk
	d = openDir(t, cfg)
	l = d.Log("topic", 0)
	sequence -= 2 // the newest one was cut
	if r := appendTo(t, l, sign(batchOf(1, 3000, testTime.UnixMilli()), 7, 0, sequence, 0)); !r.Duplicate {
		t.Error("the producer is not known")
	}
	must(t, d.Close())
}
