package handler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// TestACommitThatIsNotDurableInTime is told to try again, in every version; it counts all the same once it is durable.
func TestACommitThatIsNotDurableInTime(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		commit := func(version int16, offset int64) int16 {
			return sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(version, nil, offset, 0)).Topics[0].Partitions[0].ErrorCode
		}
		for version := int16(2); version <= 10; version++ {
			b.log.held = make(chan struct{})
			began := time.Now()
			wantCode(t, "a commit that waits", commit(version, int64(version)), wire.CoordinatorNotAvailable)
			if waited := time.Since(began); waited != testCommitTimeout {
				t.Errorf("version %d waited for %v", version, waited)
			}
			close(b.log.held)
			if offset, code := b.fetched(9, false); offset != int64(version) || code != wire.None {
				t.Errorf("the group is at offset %d, %s", offset, wire.CodeName(code))
			}
			b.log.held = nil
			wantCode(t, "the next commit", commit(version, 100), wire.None)
		}
	})
}

// TestATransactionalCommitThatIsNotDurableInTime likewise: the client tries again in the same transaction.
func TestATransactionalCommitThatIsNotDurableInTime(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		x.offsets.held = make(chan struct{})
		wantTxnCode(t, "a commit that waits", x.commitOffset("id", p, 7, 5), wire.CoordinatorNotAvailable)
		close(x.offsets.held)
		wantTxnCode(t, "the commit again", x.commitOffset("id", p, 7, 5), wire.None)
		x.wantOffset("pending", true, -1, wire.UnstableOffsetCommit)
		wantTxnCode(t, "end", x.end("id", p, true, 5).ErrorCode, wire.None)
		synctest.Wait() // the markers are written after the answer
		x.wantOffset("committed", true, 7, wire.None)
	})
}
