package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMarkersAreThoseOfApacheKafka: the bytes are those of MemoryRecords.withEndTransactionMarker of the Java client 4.3.1.
func TestMarkersAreThoseOfApacheKafka(t *testing.T) {
	for name, commit := range map[string]bool{"commit": true, "abort": false} {
		want := javaBatch(t, name)
		m := EndTxn{ProducerID: 4000, Epoch: 3, Commit: commit, CoordinatorEpoch: 7}
		if diff := cmp.Diff([]byte(want), []byte(MarkerBatch(m, javaTime))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got, ok := want.EndTxn(); !ok || got != m {
			t.Errorf("%s: read as %+v, %v", name, got, ok)
		}
	}
}

func TestWhatIsNoMarkerIsNotReadAsOne(t *testing.T) {
	marker := func() Batch { return MarkerBatch(EndTxn{ProducerID: 1, Commit: true}, javaTime) }
	if _, ok := marker().EndTxn(); !ok {
		t.Fatal("a marker is not read")
	}
	for name, spoil := range map[string]func(Batch) Batch{
		"not a control batch":      func(b Batch) Batch { b[attributesAt+1] = transactionalBit; return b },
		"compressed":               func(b Batch) Batch { b[attributesAt+1] |= byte(Gzip); return b },
		"no producer":              func(b Batch) Batch { b.setProducer(-1, -1, -1); return b },
		"no record":                func(b Batch) Batch { b[countAt+3] = 0; return b },
		"a leader change":          func(b Batch) Batch { b[HeaderSize+8] = 2; return b },
		"a key that is too short":  func(b Batch) Batch { b[HeaderSize+4] = 2 << 1; return b },
		"a record that is cut off": func(b Batch) Batch { return b[:len(b)-5] },
		"a header alone":           func(b Batch) Batch { return b[:HeaderSize] },
	} {
		if m, ok := spoil(marker()).EndTxn(); ok {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

// TestTransactionalBatchesAreThoseOfApacheKafka: the bytes are those of MemoryRecordsBuilder, called as CoordinatorRuntime does.
func TestTransactionalBatchesAreThoseOfApacheKafka(t *testing.T) {
	var b Builder
	b.Add(javaTime, []byte("k"), []byte("v"))
	b.Add(javaTime+5, []byte("k2"), nil)
	b.Transaction(4000, 3)
	if diff := cmp.Diff([]byte(javaBatch(t, "transactional")), []byte(b.Batch())); diff != "" {
		t.Error(diff)
	}
	b.Add(javaTime, nil, nil)
	if next := b.Batch(); next.Transactional() || next.ProducerID() != -1 || next.BaseSequence() != -1 {
		t.Errorf("the next batch is of producer %d, transactional %t", next.ProducerID(), next.Transactional())
	}
}
