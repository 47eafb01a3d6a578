package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// pendingWorld is a compacted log with one batch to a segment, as a partition of committed offsets.
type pendingWorld struct {
	t    *testing.T
	disk *vfs.Memory
	d    *Directory
	log  *Log
	fill int
}

func (w *pendingWorld) open() {
	w.t.Helper()
	cfg := compactConfig(w.disk)
	cfg.DefaultLogConfig.SegmentBytes, cfg.DefaultLogConfig.DeleteRetentionMs = 100, 0
	w.d = openDir(w.t, cfg)
	w.log = w.d.Log("topic", 0)
	if w.log == nil {
		w.log = newLogIn(w.t, w.d)
	}
}

func (w *pendingWorld) append(batch []byte) {
	w.t.Helper()
	_, err := w.log.Append(batch, coordinator())
	must(w.t, err)
}

// compact lets the segment roll that the last batch is in, compacts all others, and loses power.
func (w *pendingWorld) compact() {
	w.t.Helper()
	for range 3 {
		w.fill++
		w.append(keyed("filler", fmt.Sprint(w.fill)))
	}
	waitConfirmed(w.t, w.log)
	c := testCleaner(w.t, w.d, w.d.cfg.Clock)
	before := len(survivors(w.t, w.log))
	for c.Clean(w.t.Context()) {
	}
	if after := len(survivors(w.t, w.log)); after >= before {
		w.t.Fatalf("%d records were compacted to %d", before, after)
	}
	w.disk = w.disk.Crash(1)
	_ = w.d.Close() // without power
	w.open()
}

// expect compares the records of the key.
func (w *pendingWorld) expect(when string, want ...string) {
	w.t.Helper()
	got := slices.DeleteFunc(survivors(w.t, w.log), func(r string) bool { return !strings.Contains(r, ":key=") })
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: %v are there, and not %v", when, got, want)
	}
}

// TestAPendingRecordIsNotTheNewestOfItsKey: it may be aborted, and the committed one must be there then, whatever was compacted and however
// often the power went.
func TestAPendingRecordIsNotTheNewestOfItsKey(t *testing.T) {
	const older, committed, pending = "0:key=old", "1:key=committed", "2:key=pending"
	for _, commit := range []bool{false, true} {
		w := &pendingWorld{t: t, disk: vfs.NewMemory(nil)}
		w.open()
		w.append(keyed("key", "old"))
		w.append(keyed("key", "committed"))
		var b record.Builder
		b.Add(testTime.UnixMilli(), []byte("key"), []byte("pending"))
		b.Transaction(7, 0)
		w.append(b.Batch())
		w.expect("before compaction", older, committed, pending)
		w.compact()
		w.expect("while the transaction is open", committed, pending)
		if open := w.log.OpenTransactions(); len(open) != 1 {
			t.Errorf("open transactions %+v", open)
		}
		w.append(endOf(0, commit, 1))
		want := []string{committed}
		if commit {
			want = []string{pending}
		}
		for range 3 {
			w.compact()
			w.expect(fmt.Sprintf("committed %t", commit), want...)
		}
		if open := w.log.OpenTransactions(); len(open) != 0 {
			t.Errorf("committed %t: open transactions %+v", commit, open)
		}
		must(t, w.d.Close())
	}
}
