package replica

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
)

const (
	transactional = 1 << 4
	control       = 1 << 5
)

// ofProducer appends a batch of a producer id with attributes, as an imported log has them.
func ofProducer(t *testing.T, r *Replica, b record.Batch, id uint64, attributes uint16) {
	t.Helper()
	binary.BigEndian.PutUint64(b[43:], id)
	binary.BigEndian.PutUint16(b[51:], 0)
	binary.BigEndian.PutUint16(b[21:], attributes)
	binary.BigEndian.PutUint32(b[17:], b.ComputeCRC())
	if _, err := r.log().Append(b, storage.AppendInfo{LeaderEpoch: r.LeaderEpoch(), Origin: storage.Coordinator, Now: testTime}); err != nil {
		t.Fatal(err)
	}
}

func markerOf(kind byte) record.Batch {
	var b record.Builder
	b.Add(testTime.UnixMilli(), []byte{0, 0, 0, kind}, []byte{0, 0, 0, 0, 0, 1})
	return b.Batch()
}

func TestRecordsOfTransactionsThatWereNotCommittedAreLeftOut(t *testing.T) {
	w := newWorld(t, 1)
	w.create("t", 1, []int32{testNode})
	r := w.replica("t", 0)
	ofProducer(t, r, batchOf(2, testTime), 1, transactional) // 0, 1: aborted
	ofProducer(t, r, batchOf(1, testTime), 2, transactional) // 2: committed
	mustAppend(t, r, batchOf(1, testTime))                   // 3: of no transaction
	ofProducer(t, r, markerOf(0), 1, transactional|control)
	ofProducer(t, r, batchOf(1, testTime), 1, transactional) // 5: committed
	ofProducer(t, r, markerOf(1), 2, transactional|control)
	ofProducer(t, r, markerOf(1), 1, transactional|control)
	ofProducer(t, r, batchOf(1, testTime), 3, transactional) // 8: open
	mustAppend(t, r, batchOf(1, testTime))                   // 9: of no transaction
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
