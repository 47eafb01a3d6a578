package handler

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestASwitchToVersion2WithinAnEpoch has a client end a transaction as version 1 does, which leaves its epoch, and begin the next one as
// version 2 does before the marker is written: its batch is not to share the fate of the transaction before.
func TestASwitchToVersion2WithinAnEpoch(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		x.held = make(chan struct{})
		p := x.begin("id")
		wantTxnCode(t, "add", x.add("id", p, "t", 0, 3), wire.None)
		wantTxnCode(t, "batch of version 1", x.write("id", p, 0, 11), wire.None)
		wantTxnCode(t, "its abort", x.end("id", p, false, 4).ErrorCode, wire.None)
		wantTxnCode(t, "batch of version 2 before the marker", x.write("id", p, 1, 12), wire.ConcurrentTransactions)
		close(x.held)
		synctest.Wait()
		wantTxnCode(t, "batch of version 2 behind the marker", x.write("id", p, 1, 12), wire.None)
		if part := x.set.Get("t", 0); part.LastStable() != 2 || part.LogEnd() != 3 {
			t.Errorf("the second transaction begins at %d, and the log ends at %d", part.LastStable(), part.LogEnd())
		}
	})
}

// TestOffsetsAfterASwitchToVersion2 is the same for offsets. What the group's coordinator writes is not in the partition here, so the test
// writes a batch of the first transaction itself.
func TestOffsetsAfterASwitchToVersion2(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		x.held = make(chan struct{})
		p, part := x.begin("id"), x.set.Get(group.Topic, 0)
		wantTxnCode(t, "add", x.addOffsets("id", p, 3), wire.None)
		guard, err := part.StartVerification(p.ID, p.Epoch, noSequence, false)
		wantTxnCode(t, "verification of version 1", wire.CodeOf(err), wire.None)
		_, err = part.AppendTransactional(txnBatch(p, noSequence), guard, recordsTime)
		wantTxnCode(t, "batch of version 1", wire.CodeOf(err), wire.None)
		wantTxnCode(t, "its abort", x.end("id", p, false, 4).ErrorCode, wire.None)
		wantTxnCode(t, "offsets of version 2 before the marker", x.commitOffset("id", p, 6, 5), wire.ConcurrentTransactions)
		close(x.held)
		synctest.Wait()
		wantTxnCode(t, "offsets of version 2 behind the marker", x.commitOffset("id", p, 6, 5), wire.None)
	})
}

// countingVerifier counts what it hands on.
type countingVerifier struct {
	Verifier
	asked int
}

func (v *countingVerifier) Ensure(ctx context.Context, id string, p txn.Producer, partitions []txn.TopicPartition, add bool) []int16 {
	v.asked++
	return v.Verifier.Ensure(ctx, id, p, partitions, add)
}

// TestTheCoordinatorIsAskedOnceForATransaction, and once more where its client goes on as version 2.
func TestTheCoordinatorIsAskedOnceForATransaction(t *testing.T) {
	for name, c := range map[string]struct {
		first, next int16
		asked       int
	}{"version 1": {11, 11, 1}, "version 2": {12, 12, 1}, "a switch": {11, 12, 2}} {
		withTransactions(t, func(t *testing.T, x *txnBroker) {
			counted := &countingVerifier{Verifier: x.area.Verification.Verifier}
			x.area.Verification.Verifier = counted
			p := x.begin("id")
			wantTxnCode(t, "add", x.add("id", p, "t", 0, 3), wire.None)
			wantTxnCode(t, "first batch", x.write("id", p, 0, c.first), wire.None)
			for sequence := range int32(3) {
				wantTxnCode(t, "next batch", x.write("id", p, 1+sequence, c.next), wire.None)
			}
			if counted.asked != c.asked {
				t.Errorf("%s: asked %d times", name, counted.asked)
			}
		})
	}
}
