package audit

import (
	"testing"
	"time"
)

// TestABatchFitsIntoTheLog: one that the log refuses for its size would be tried again for ever. A long event goes alone.
func TestABatchFitsIntoTheLog(t *testing.T) {
	sizes := []int{300 << 10, 300 << 10, 1000 << 10, 10, 10, 512 << 10, 10}
	q := newQueue(&Config{QueueEvents: 100, QueueBytes: 1 << 30}, func(_ Event, _ time.Time, n uint64) (Entry, error) {
		return Entry{Value: make([]byte, sizes[n-1])}, nil
	})
	for range sizes {
		if err := q.force(Lifecycle{}, noon); err != nil {
			t.Fatal(err)
		}
	}
	for at := 0; at < len(sizes); {
		batch, _ := q.first()
		bytes := 0
		for _, e := range batch {
			if len(e.Value) != sizes[at] {
				t.Fatalf("event %d has %d bytes", at, len(e.Value))
			}
			bytes, at = bytes+len(e.Value), at+1
		}
		if len(batch) == 0 || len(batch) > 1 && bytes > maxBatchBytes {
			t.Fatalf("a batch of %d events has %d bytes", len(batch), bytes)
		}
		q.delivered(len(batch))
	}
}
