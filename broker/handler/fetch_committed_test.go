package handler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/record"
)

// endTransaction ends a producer's transaction in partition 0 of topic "t".
func (b *recordsBroker) endTransaction(producerID int64, commit bool) {
	b.t.Helper()
	m := record.EndTxn{ProducerID: producerID, Commit: commit}
	if _, err := b.set.Get("t", 0).AppendMarker(m, 1, recordsTime); err != nil {
		b.t.Fatal(err)
	}
}

// TestAReadCommittedFetchWaitsForTheMarker: it sleeps while others append, and is answered when the marker is confirmed that moves the last
// stable offset, though nothing else comes.
func TestAReadCommittedFetchWaitsForTheMarker(t *testing.T) {
	for _, commit := range []bool{true, false} {
		withRecords(t, func(t *testing.T, b *recordsBroker) {
			b.transact(7, 0) // 0
			q := fetchRequest(time.Hour, fetchOf("t", 1, 0, 0))
			q.IsolationLevel = readCommitted
			done, began := make(chan *kmsg.FetchResponse), time.Now()
			go func() { done <- b.fetch(q, 12) }()
			waits := func(what string) {
				t.Helper()
				synctest.Wait()
				select {
				case <-done:
					t.Fatal("answered", what)
				default:
				}
			}
			waits("while the transaction is open")
			b.transact(7, 0) // 1
			waits("with another batch of the transaction")
			b.fill(1) // 2 to 11
			waits("with records behind the transaction")
			b.transact(5, 0) // 12
			b.endTransaction(5, true)
			waits("with the marker of a later transaction")
			b.endTransaction(7, commit) // 14
			p := one(t, <-done)
			if since := time.Since(began); since != 0 {
				t.Errorf("answered %v after the marker", since)
			}
			aborted := 1
			if commit {
				aborted = 0
			}
			if p.LastStableOffset != 15 || len(p.AbortedTransactions) != aborted || lastOffset(p.RecordBatches) != 14 {
				t.Errorf("up to offset %d, the last stable one is %d, aborted %+v", lastOffset(p.RecordBatches), p.LastStableOffset, p.AbortedTransactions)
			}
		})
	}
}

func lastOffset(batches []byte) (last int64) {
	record.Batches(batches, func(b record.Batch) bool {
		last = b.LastOffset()
		return true
	})
	return last
}
