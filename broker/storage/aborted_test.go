package storage

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// abortedIn lists the aborted transactions of a part of a log.
func abortedIn(t testing.TB, l *Log, from, upTo int64) []AbortedTransaction {
	t.Helper()
	list, err := l.aborted(from, upTo)
	must(t, err)
	return list
}

// txnEntries are all entries of a segment's .txnindex, and those that are to come there.
func (s *segment) txnEntries() (entries []abortedTxn, err error) {
	err = s.eachAborted(0, func(t abortedTxn) bool {
		entries = append(entries, t)
		return true
	})
	return entries, err
}

func entriesOf(t testing.TB, s *segment) []abortedTxn {
	t.Helper()
	entries, err := s.txnEntries()
	must(t, err)
	return entries
}

// abortTxns appends so many transactions of one batch, and aborts each. It returns what the log has to say of them.
func abortTxns(t testing.TB, l *Log, n int) (list []AbortedTransaction) {
	t.Helper()
	batch, marker := batchOf(1, 1, testTime.UnixMilli()), markerBatch(markerAbort, 1)
	for range n {
		sequence := int32(0)
		if p := l.producers.byID[7]; p != nil {
			sequence = p.lastBatch().lastSequence + 1
		}
		r := appendTo(t, l, sign(batch, 7, 0, sequence, attrTransactional))
		end, err := l.Append(marker, AppendInfo{LeaderEpoch: 1, Origin: Coordinator})
		must(t, err)
		list = append(list, AbortedTransaction{ProducerID: 7, FirstOffset: r.BaseOffset, LastOffset: end.BaseOffset})
	}
	return list
}

// heldTxns is how many aborted transactions are in memory.
func heldTxns(l *Log) (n int) {
	for _, s := range *l.segments.Load() {
		n += s.txns.waiting()
		if loaded := s.txns.loaded.Load(); loaded != nil {
			n += len(*loaded) / txnEntryBytes
		}
	}
	return n
}

// TestMemoryOfAbortedTransactionsIsBounded: what is on disk is not in memory, however much it is.
func TestMemoryOfAbortedTransactionsIsBounded(t *testing.T) {
	rounds := 1000
	if testing.Short() || raceDetector {
		rounds = 50
	}
	cfg := testConfig(vfs.NewMemory(nil))
	cfg.DefaultLogConfig.SegmentBytes = 1 << 20
	cfg.JournalFileBytes = 4 << 20
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	count := 0
	for range rounds {
		list := abortTxns(t, l, 1000)
		count += len(list)
		l.FirstUnstable(l.EndOffset())
		if held := heldTxns(l); held > txnPage {
			t.Fatalf("%d of %d aborted transactions are in memory", held, count)
		}
		if got := abortedIn(t, l, list[0].FirstOffset, l.EndOffset()); !slices.Equal(got, list) {
			t.Fatalf("of the last %d transactions, %d are aborted", len(list), len(got))
		}
	}
	if n := len(*l.segments.Load()); n < rounds/10 {
		t.Fatalf("%d segments", n)
	}
	must(t, d.Close())
	d = openDir(t, cfg)
	defer func() { must(t, d.Close()) }()
	l = d.Log("topic", 0)
	found := 0
	must(t, l.eachAborted(0, l.EndOffset(), func(abortedTxn) { found++ }))
	if found != count || heldTxns(l) > 0 {
		t.Fatalf("after a start %d of %d are found, and %d in memory", found, count, heldTxns(l))
	}
}

func TestNoFileIsMadeWithoutAbortedTransactions(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	for i := range 50 {
		appendTo(t, l, batchOf(3, 300, testTime.UnixMilli()+int64(i)))
	}
	must(t, d.Checkpoint())
	if got := abortedIn(t, l, 0, l.EndOffset()); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	must(t, d.Close())
	files, err := disk.List(l.path)
	must(t, err)
	for _, f := range files {
		if path.Ext(f.Name) == txnSuffix {
			t.Errorf("there is %s", f.Name)
		}
	}
}

// TestAStartDoesNotReadTransactionIndexes: after a clean stop they are read when somebody asks, and what can not be read is an error,
// which must not pass for "no transaction was aborted".
func TestAStartDoesNotReadTransactionIndexes(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	want := abortTxns(t, newLogIn(t, d), 500)
	must(t, d.Close())
	faults := vfs.NewFaults(disk)
	for _, op := range []vfs.Op{vfs.OpOpen, vfs.OpRead} {
		faults.Add(vfs.Fault{Op: op, Path: txnSuffix, Count: 1, Err: syscall.EIO})
		d = openDir(t, testConfig(faults))
		l := d.Log("topic", 0)
		if faults.Pending() != 1 {
			t.Fatal("the start has read a transaction index")
		}
		if _, _, err := l.ReadWithAborted(0, 1000, l.EndOffset(), true, nil); wire.CodeOf(err) != wire.KafkaStorageError {
			t.Errorf("a transaction index that can not be read: %v", err)
		}
		if data, err := l.Read(0, 1000, l.EndOffset(), true, nil); err != nil || len(data) == 0 {
			t.Errorf("a read that does not need it: %d bytes, %v", len(data), err)
		}
		if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) || d.Err() != nil {
			t.Errorf("afterwards %d of %d are aborted, %v", len(got), len(want), d.Err())
		}
		must(t, d.Close())
	}
}

func TestADamagedTransactionIndexIsNotServed(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	abortTxns(t, newLogIn(t, d), 500)
	must(t, d.Close())
	flipBit(t, disk, path.Join(testDir, "topic-0", offsetName(0, txnSuffix)), 40*8+3)
	d = openDir(t, testConfig(disk))
	l := d.Log("topic", 0)
	for range 2 {
		if _, _, err := l.ReadWithAborted(0, 1000, l.EndOffset(), true, nil); wire.CodeOf(err) != wire.KafkaStorageError || !errors.Is(err, ErrCorrupt) {
			t.Errorf("a damaged transaction index: %v", err)
		}
	}
	if d.scrub.damaged.Load() == 0 {
		t.Error("the damage is not counted")
	}
	must(t, d.Close())
}

// TestAbortedTransactionsWaitForSpace: those that do not fit on the disk are served from memory.
func TestAbortedTransactionsWaitForSpace(t *testing.T) {
	faults := vfs.NewFaults(vfs.NewMemory(nil))
	cfg := testConfig(faults)
	cfg.DefaultLogConfig.SegmentBytes = 1 << 20
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	faults.Add(vfs.Fault{Op: vfs.OpWrite, Path: txnSuffix, Count: 1, Err: syscall.ENOSPC})
	want := abortTxns(t, l, txnPage)
	if faults.Pending() != 0 || l.active().txns.waiting() != txnPage {
		t.Fatalf("%d wait", l.active().txns.waiting())
	}
	want = append(want, abortTxns(t, l, 1)...)
	if held := heldTxns(l); held != 0 {
		t.Errorf("%d are in memory when there is space again", held)
	}
	if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) {
		t.Errorf("%d of %d are aborted", len(got), len(want))
	}
	must(t, d.Close())
}

// BenchmarkAborted looks up the aborted transactions of a fetch, in a segment with 100,000 of them that was found at the start.
func BenchmarkAborted(b *testing.B) {
	const count, each = 100_000, 500
	cfg := benchConfig(benchDir(b))
	cfg.DefaultLogConfig.VerifyTransactions = false
	d := openDir(b, cfg)
	l := newLogIn(b, d)
	abortTxns(b, l, count)
	must(b, d.Close())
	d = openDir(b, cfg)
	defer func() { must(b, d.Close()) }()
	l = d.Log("topic", 0)
	for _, width := range []int64{2, each} {
		b.Run(fmt.Sprintf("offsets=%d", width), func(b *testing.B) {
			b.ReportAllocs()
			for i := int64(0); b.Loop(); i++ {
				from := i * 7919 % (l.EndOffset() - width)
				if n := len(abortedIn(b, l, from, from+width)); n < int(width/2) {
					b.Fatalf("%d are aborted from offset %d on", n, from)
				}
			}
		})
	}
	b.Run("walk", func(b *testing.B) {
		for b.Loop() {
			for from := int64(0); from < l.EndOffset(); from += each {
				abortedIn(b, l, from, from+each)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*count/each), "ns/fetch")
	})
}
