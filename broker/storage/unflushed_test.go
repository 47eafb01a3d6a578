package storage

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestAFlushWithoutSpaceIsDoneAgainWholly: one that has no space for a later segment's index must not forget that an earlier
// segment's transaction index is not durable.
func TestAFlushWithoutSpaceIsDoneAgainWholly(t *testing.T) {
	for seed := range uint64(20) {
		disk := vfs.NewMemory(nil)
		faults := vfs.NewFaults(disk)
		d := openDir(t, testConfig(faults))
		l := newLogIn(t, d)
		must(t, d.Checkpoint())
		appendTo(t, l, sign(batchOf(1, 10, testTime.UnixMilli()), 7, 0, 0, attrTransactional))
		marker := sign(markerBatch(markerAbort, 1), 7, 0, -1, attrTransactional|attrControl)
		if _, err := l.Append(marker, AppendInfo{LeaderEpoch: 1, Origin: Coordinator}); err != nil {
			t.Fatal(err)
		}
		for i := 0; len(*l.segments.Load()) < 2 || len(l.active().offsets.tail) == 0; i++ {
			appendTo(t, l, batchOf(1, 1000, testTime.UnixMilli()+int64(i)))
		}
		want := abortedIn(t, l, 0, l.EndOffset())
		faults.Add(vfs.Fault{Op: vfs.OpWrite, Path: offsetName(l.active().base, offsetSuffix), Count: 1, Err: syscall.ENOSPC})
		if err := d.Checkpoint(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("the checkpoint ends with %v", err)
		}
		must(t, d.Checkpoint())
		next := disk.Crash(seed)
		_ = d.Close() // without power
		d = openDir(t, testConfig(next))
		l = d.Log("topic", 0)
		if got := abortedIn(t, l, 0, l.EndOffset()); len(want) != 1 || !slices.Equal(got, want) {
			t.Fatalf("seed %d: after the crash %v was aborted, and not %v", seed, got, want)
		}
		must(t, d.Close())
	}
}
