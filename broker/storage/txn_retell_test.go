package storage

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// abortedLog is a log of some segments, in which transactions that ended with an abort begin in one segment and end in the next, on a
// disk that was stopped cleanly or killed after a checkpoint, without side-cars. It returns what was aborted.
func abortedLog(t *testing.T, clean bool) (disk *vfs.Memory, segments []*segment, want []AbortedTransaction) {
	t.Helper()
	disk, segments, want = coveredAbortedLog(t, clean)
	removeSideCars(t, disk, testDir)
	return disk, segments, want
}

// coveredAbortedLog is abortedLog with side-cars.
func coveredAbortedLog(t *testing.T, clean bool) (disk *vfs.Memory, segments []*segment, want []AbortedTransaction) {
	t.Helper()
	disk = vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for i := range int32(40) {
		first := appendTo(t, l, sign(batchOf(1, 600, testTime.UnixMilli()), 9, 0, i, attrTransactional)).BaseOffset
		for range 3 {
			appendTo(t, l, batchOf(1, 600, testTime.UnixMilli()))
		}
		want = append(want, abortTxns(t, l, 1)...)
		end, err := l.Append(sign(markerBatch(int16(i%2), 1), 9, 0, -1, attrTransactional|attrControl), AppendInfo{LeaderEpoch: 1, Origin: Coordinator})
		must(t, err)
		if i%2 == markerAbort {
			want = append(want, AbortedTransaction{ProducerID: 9, FirstOffset: first, LastOffset: end.BaseOffset})
		}
	}
	waitConfirmed(t, l)
	must(t, d.Checkpoint())
	if segments = *l.segments.Load(); len(segments) < 5 {
		t.Fatalf("%d segments", len(segments))
	}
	if clean {
		must(t, d.Close())
		return disk, segments, want
	}
	next := disk.Kill()
	_ = d.Close() // without its disk
	return next, segments, want
}

// TestATornTransactionIndexIsBuiltAnew: where no side-car tells of it, as Apache Kafka does it. What it gets is durable, and has a
// side-car where the segment has ended.
func TestATornTransactionIndexIsBuiltAnew(t *testing.T) {
	for _, clean := range []bool{true, false} {
		_, segments, _ := abortedLog(t, clean)
		for at := range segments {
			t.Run(fmt.Sprintf("segment %d of %d, clean %t", at, len(segments), clean), func(t *testing.T) {
				disk, segments, want := abortedLog(t, clean)
				s := segments[at]
				info, err := vfs.Stat(disk, s.txns.name)
				must(t, err)
				shorten(t, disk, s.txns.name, info.Size-1)
				for range 2 {
					d := openDir(t, testConfig(disk))
					l := d.Log("topic", 0)
					if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) {
						t.Fatalf("%d of %d transactions are aborted: %v", len(got), len(want), got)
					}
					if _, err := vfs.Stat(disk, s.name(sumsSuffix)); err != nil && at+1 < len(segments) {
						t.Errorf("no side-car was made: %v", err)
					}
					next := disk.Crash(1)
					_ = d.Close() // without power
					disk = next
				}
			})
		}
	}
}

// TestAStartTrustsNoTransactionWithoutASideCar: recovery makes anew what may have been changed and still looks like an entry.
func TestAStartTrustsNoTransactionWithoutASideCar(t *testing.T) {
	for field, at := range map[string]int64{"producer": 9, "first": 17, "last": 25, "stable": 33} {
		t.Run(field, func(t *testing.T) {
			disk, segments, want := abortedLog(t, false)
			active := segments[len(segments)-1]
			flipBit(t, disk, active.txns.name, at)
			d := openDir(t, testConfig(disk))
			l := d.Log("topic", 0)
			if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) {
				t.Errorf("%d of %d transactions are aborted: %v", len(got), len(want), got)
			}
			must(t, d.Close())
		})
	}
}

// TestATransactionIndexIsBuiltAnewByDamagedIndexes: what it needs are batches of segments before, which recovery finds by their indexes.
// Those that are damaged are built anew as well, however many there are.
func TestATransactionIndexIsBuiltAnewByDamagedIndexes(t *testing.T) {
	_, segments, _ := coveredAbortedLog(t, false)
	last := len(segments) - 1
	t.Run("all", func(t *testing.T) { startWithDamagedIndexes(t, 0, last) })
	for at := range last {
		t.Run(fmt.Sprintf("segment %d", at), func(t *testing.T) { startWithDamagedIndexes(t, at, at+1) })
	}
}

// startWithDamagedIndexes starts where nothing tells of the active segment's transactions, nor of the producers as of where it begins. The
// indexes of segments from one up to another are damaged.
func startWithDamagedIndexes(t *testing.T, from, upTo int) {
	t.Helper()
	disk, segments, want := coveredAbortedLog(t, false)
	must(t, disk.Remove(segments[len(segments)-1].name(sumsSuffix)))
	for _, s := range segments {
		must(t, removeIfThere(disk, s.name(snapshotSuffix)))
	}
	for _, s := range segments[from:upTo] {
		flipBit(t, disk, s.name(offsetSuffix), 0)
	}
	d := openDir(t, testConfig(disk))
	l := d.Log("topic", 0)
	if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) {
		t.Errorf("%d of %d transactions are aborted: %v", len(got), len(want), got)
	}
	must(t, d.Close())
	must(t, checkFiles(disk, l))
}

// TestAStartTrustsNoTransactionBehindASideCar: the checkpoints of a growing segment leave its indexes, and with them the side-car, behind.
func TestAStartTrustsNoTransactionBehindASideCar(t *testing.T) {
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.CheckpointBytes = 1 << 30 // none but those of the test
	cfg.DefaultLogConfig.SegmentBytes = 1 << 30
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	var want []AbortedTransaction
	for range 2 {
		want = append(want, abortTxns(t, l, 3)...)
		waitConfirmed(t, l)
		must(t, d.Checkpoint())
	}
	if l.indexPoint >= l.recoveryPoint {
		t.Fatal("the second checkpoint has made the indexes durable")
	}
	active := l.active()
	next := disk.Kill()
	_ = d.Close() // without its disk
	flipBit(t, next, active.txns.name, 5*txnEntryBytes+17)
	cfg.FS = next
	d = openDir(t, cfg)
	l = d.Log("topic", 0)
	if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) {
		t.Errorf("%d of %d transactions are aborted: %v", len(got), len(want), got)
	}
	must(t, d.Close())
}

// TestTransactionsBelowTheStartStayOpen: those whose first records are deleted, as long as a segment holds them. So an entry says the same
// however often it is made anew.
func TestTransactionsBelowTheStartStayOpen(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	batch := func(id int64) []byte {
		return sign(batchOf(1, 60, testTime.UnixMilli()), id, 0, 0, attrTransactional)
	}
	abort := func(id int64) int64 {
		end := sign(markerBatch(markerAbort, 1), id, 0, -1, attrTransactional|attrControl)
		a, err := l.Append(end, AppendInfo{LeaderEpoch: 1, Origin: Coordinator})
		must(t, err)
		return a.BaseOffset
	}
	appendTo(t, l, batch(7))
	appendTo(t, l, batch(8))
	waitConfirmed(t, l)
	must(t, l.DeleteRecordsBefore(2))
	must(t, d.Checkpoint())
	kill := func() {
		next := disk.Kill() // there is no snapshot of the producers
		_ = d.Close()       // without its disk
		removeSideCars(t, next, testDir)
		disk = next
		d = openDir(t, testConfig(disk))
		l = d.Log("topic", 0)
	}
	kill()
	first := appendTo(t, l, batch(9)).BaseOffset
	want := []abortedTxn{{producerID: 9, first: first, last: abort(9)}, {producerID: 8, first: 1, last: abort(8)}}
	for range 3 {
		if got := entriesOf(t, l.active()); !slices.Equal(got, want) {
			t.Fatalf("the index has %+v, want %+v", got, want)
		}
		if got, open := l.FirstUnstable(l.EndOffset()); !open || got != 2 {
			t.Fatalf("the first unstable offset is %d (%t), want the log's start", got, open)
		}
		waitConfirmed(t, l)
		must(t, d.Checkpoint())
		kill()
	}
	must(t, d.Close())
}

// TestASnapshotAtTheStartIsUsed: retention leaves a log that starts with a segment, and with the producers as of there.
func TestASnapshotAtTheStartIsUsed(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	appendTo(t, l, sign(batchOf(1, 60, testTime.UnixMilli()), 7, 0, 0, attrTransactional))
	for len(*l.segments.Load()) < 3 {
		appendTo(t, l, batchOf(1, 600, testTime.UnixMilli()))
	}
	waitConfirmed(t, l)
	must(t, l.DeleteRecordsBefore((*l.segments.Load())[1].base))
	if n, err := l.Retain(testTime, l.EndOffset()); err != nil || n != 1 {
		t.Fatalf("%d segments are removed, %v", n, err)
	}
	must(t, d.Checkpoint())
	kill := func() {
		next := disk.Kill()
		_ = d.Close() // without its disk
		disk = next
	}
	kill()
	d = openDir(t, testConfig(disk)) // and removes what it takes to be of no use
	kill()
	must(t, disk.Remove(l.active().name(snapshotSuffix)))
	d = openDir(t, testConfig(disk))
	l = d.Log("topic", 0)
	if open := l.OpenTransactions(); len(open) != 1 || open[0].ProducerID != 7 {
		t.Errorf("open transactions: %+v", open)
	}
	must(t, d.Close())
}
