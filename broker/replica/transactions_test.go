package replica

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// inTransaction appends records of a producer's transaction.
func inTransaction(t *testing.T, r *Replica, producerID int64, epoch int16, n int) {
	t.Helper()
	var b record.Builder
	for i := range n {
		b.Add(testTime.UnixMilli(), fmt.Appendf(nil, "key %d", i), []byte("value"))
	}
	b.Transaction(producerID, epoch)
	guard, err := r.StartVerification(producerID, epoch, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.AppendTransactional(b.Batch(), guard, testTime); err != nil {
		t.Fatal(err)
	}
}

// end ends a producer's transaction as transaction version 1 does.
func end(t *testing.T, r *Replica, producerID int64, epoch int16, commit bool) {
	t.Helper()
	m := record.EndTxn{ProducerID: producerID, Epoch: epoch, Commit: commit, CoordinatorEpoch: 1}
	if _, err := r.AppendMarker(m, 1, testTime); err != nil {
		t.Fatal(err)
	}
}

func TestRecordsOfTransactionsThatWereNotCommittedAreLeftOut(t *testing.T) {
	w := newWorld(t, 1)
	w.create("t", 1, []int32{testNode})
	r := w.replica("t", 0)
	inTransaction(t, r, 1, 0, 2)           // 0, 1: aborted
	inTransaction(t, r, 2, 0, 1)           // 2: committed
	mustAppend(t, r, batchOf(1, testTime)) // 3: of no transaction
	end(t, r, 1, 0, false)
	inTransaction(t, r, 1, 0, 1) // 5: committed
	end(t, r, 2, 0, true)
	end(t, r, 1, 0, true)
	inTransaction(t, r, 3, 0, 1)           // 8: open
	mustAppend(t, r, batchOf(1, testTime)) // 9: of no transaction
	if err := r.WaitConfirmed(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []int64
	next, err := r.Each(t.Context(), 0, func(rec record.Record) error { got = append(got, rec.Offset); return nil })
	if want := []int64{2, 3, 5, 9}; err != nil || next != 10 || !slices.Equal(got, want) {
		t.Errorf("offsets %v up to %d, want %v: %v", got, next, want, err)
	}
	if r.LastStable() != 8 {
		t.Errorf("the last stable offset is %d", r.LastStable())
	}
	data, aborted, err := r.ReadCommitted(0, 1<<20, true, nil)
	if want := []storage.AbortedTransaction{{ProducerID: 1, FirstOffset: 0, LastOffset: 4}}; err != nil || !slices.Equal(aborted, want) {
		t.Errorf("aborted %+v, %v", aborted, err)
	}
	if last := lastOf(data); last != 7 {
		t.Errorf("read up to offset %d", last)
	}
	if data, aborted, err = r.ReadCommitted(5, 1<<20, true, nil); err != nil || len(data) == 0 || len(aborted) != 0 {
		t.Errorf("aborted from offset 5 on: %+v, %d bytes, %v", aborted, len(data), err)
	}
}

// TestEntriesAreTheWholeLog: who follows transactions itself needs the open and the aborted ones, and what ended them.
func TestEntriesAreTheWholeLog(t *testing.T) {
	w := newWorld(t, 1)
	w.create("t", 1, []int32{testNode})
	r := w.replica("t", 0)
	inTransaction(t, r, 1, 4, 2) // 0, 1
	mustAppend(t, r, batchOf(1, testTime))
	mustAppend(t, r, idempotent(0))
	end(t, r, 1, 5, false)       // 4
	inTransaction(t, r, 2, 0, 1) // 5
	end(t, r, 2, 0, true)        // 6
	inTransaction(t, r, 3, 0, 1) // 7: open
	if err := r.WaitConfirmed(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := func(offset, producerID int64, epoch int16, transactional bool, marker *record.EndTxn) Entry {
		return Entry{Record: record.Record{Offset: offset}, ProducerID: producerID, ProducerEpoch: epoch, Transactional: transactional, Marker: marker}
	}
	want := []Entry{
		of(0, 1, 4, true, nil), of(1, 1, 4, true, nil), of(2, -1, -1, false, nil), of(3, 4000, 0, false, nil),
		of(4, 1, 5, true, &record.EndTxn{ProducerID: 1, Epoch: 5, CoordinatorEpoch: 1}),
		of(5, 2, 0, true, nil), of(6, 2, 0, true, &record.EndTxn{ProducerID: 2, Commit: true, CoordinatorEpoch: 1}),
		of(7, 3, 0, true, nil),
	}
	for from := range int64(len(want) + 1) {
		got := []Entry{}
		err := r.EachEntry(t.Context(), from, func(e Entry) error {
			if len(e.Key) == 0 || len(e.Value) == 0 || e.Timestamp != testTime.UnixMilli() {
				t.Errorf("offset %d: key %q, value %q, time %d", e.Offset, e.Key, e.Value, e.Timestamp)
			}
			e.Record = record.Record{Offset: e.Offset}
			got = append(got, e)
			return nil
		})
		if diff := cmp.Diff(want[from:], got); diff != "" || err != nil {
			t.Errorf("from offset %d: %v %s", from, err, diff)
		}
	}
	enough := errors.New("enough")
	if err := r.EachEntry(t.Context(), 0, func(Entry) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the error of yield: %v", err)
	}
}

// TestRefusedAppendsAreKnown: a coordinator need not be loaded anew for them.
func TestRefusedAppendsAreKnown(t *testing.T) {
	w := newWorld(t, 1)
	w.create("t", 1, []int32{testNode})
	r := w.replica("t", 0)
	inTransaction(t, r, 1, 4, 1)
	marker := func(epoch int16, coordinatorEpoch int32, version int8) error {
		_, err := r.AppendMarker(record.EndTxn{ProducerID: 1, Epoch: epoch, CoordinatorEpoch: coordinatorEpoch}, version, testTime)
		return err
	}
	if err := marker(4, 1, 2); wire.CodeOf(err) != wire.InvalidProducerEpoch || !Refused(err) {
		t.Errorf("a marker that does not raise the epoch: %v", err)
	}
	if err := marker(5, 1, 2); err != nil {
		t.Errorf("a marker that raises the epoch: %v", err)
	}
	if err := marker(5, 0, 2); wire.CodeOf(err) != wire.TransactionCoordinatorFenced || !Refused(err) {
		t.Errorf("a marker of an older coordinator: %v", err)
	}
	var b record.Builder
	b.Add(testTime.UnixMilli(), nil, nil)
	b.Transaction(1, 4)
	if _, err := r.AppendTransactional(b.Batch(), 0, testTime); wire.CodeOf(err) != wire.InvalidProducerEpoch || !Refused(err) {
		t.Errorf("a batch of an older epoch: %v", err)
	}
	if r.LogEnd() != 2 {
		t.Errorf("the log ends at %d", r.LogEnd())
	}
	want := []ProducerState{{ID: 1, Epoch: 5, LastSequence: -1, LastTimestamp: testTime.UnixMilli(), CoordinatorEpoch: 1, TxnStart: -1}}
	if diff := cmp.Diff(want, r.Producers()); diff != "" {
		t.Error(diff)
	}
}

// TestClientsBringTheGuardOfTheirTransaction with its first batch.
func TestClientsBringTheGuardOfTheirTransaction(t *testing.T) {
	w := newWorld(t, 1)
	w.create("t", 1, []int32{testNode})
	r := w.replica("t", 0)
	send := func(guard uint64) error {
		var b record.Builder
		b.Add(testTime.UnixMilli(), nil, nil)
		b.Transaction(1, 0)
		_, err := r.Append(b.Batch(), true, true, guard, testTime)
		return err
	}
	if err := send(0); wire.CodeOf(err) != wire.InvalidTxnState || !Refused(err) {
		t.Errorf("without a guard: %v", err)
	}
	guard, err := r.StartVerification(1, 0, 0, true)
	if err != nil || guard == 0 {
		t.Errorf("guard %d, %v", guard, err)
	}
	if err := send(guard); err != nil {
		t.Errorf("with a guard: %v", err)
	}
	if _, err := r.StartVerification(1, -1, 0, true); wire.CodeOf(err) != wire.InvalidProducerEpoch || !Refused(err) {
		t.Errorf("an older epoch: %v", err)
	}
	p := w.image.Topic("t").Partitions[0]
	p.Leader, p.LeaderEpoch = testNode+1, p.LeaderEpoch+1
	if err := r.update(p); err != nil {
		t.Fatal(err)
	}
	if _, err := r.StartVerification(2, 0, 0, true); wire.CodeOf(err) != wire.NotLeaderForPartition {
		t.Errorf("another broker leads: %v", err)
	}
}

// TestAConfirmedMarkerWakesReadersOfCommittedRecords: when it does, the last stable offset has moved.
func TestAConfirmedMarkerWakesReadersOfCommittedRecords(t *testing.T) {
	w := newWorld(t, 1)
	w.create("t", 1, []int32{testNode})
	r := w.replica("t", 0)
	for i := range int64(200) {
		inTransaction(t, r, 1, 0, 1)
		if err := r.WaitConfirmed(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stable := r.LastStable(); stable != 2*i {
			t.Fatalf("the last stable offset is %d while the transaction at %d is open", stable, 2*i)
		}
		s := NewSignal()
		r.Await(s, r.HighWatermark()+1)
		end(t, r, 1, 0, i%2 == 0)
		select {
		case <-s:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody is woken")
		}
		if stable := r.LastStable(); stable != 2*i+2 {
			t.Fatalf("the last stable offset is %d behind the marker at %d", stable, 2*i+1)
		}
	}
}
