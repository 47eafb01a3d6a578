package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestATransactionThatTakesTooLongIsAborted leaves transactions open until the coordinator ends them, one of them over a restart: consumers
// get beyond it, and its producer can no longer commit.
func TestATransactionThatTakesTooLongIsAborted(t *testing.T) {
	for _, level := range []int16{0, 1, 2} {
		t.Run(fmt.Sprintf("transaction.version %d", level), func(t *testing.T) {
			o := testOptions(t.TempDir())
			o.Transactions.AbortInterval = 100 * time.Millisecond
			formatWith(t, o, map[string]int16{meta.TransactionVersion: level})
			b := start(t, o)
			defer func() { stop(t, b) }()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			creator := client(t, b)
			if _, err := kadm.NewClient(creator).CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
				t.Fatal(err)
			}
			creator.Close()
			c := client(t, b, kgo.TransactionalID("slow"), kgo.DefaultProduceTopic("t"), kgo.TransactionTimeout(500*time.Millisecond))
			defer c.Close()
			begun(ctx, t, c, "too late")
			if got := committed(ctx, t, b); len(got) != 0 {
				t.Errorf("committed: %v", got)
			}
			if err := c.EndTransaction(ctx, kgo.TryCommit); !endedByTimeout(err, level) {
				t.Errorf("a commit after the time-out: %v", err)
			}

			late := client(t, b, kgo.TransactionalID("late"), kgo.DefaultProduceTopic("t"), kgo.TransactionTimeout(500*time.Millisecond))
			begun(ctx, t, late, "over a restart")
			late.Close()
			stop(t, b)
			b = start(t, o)
			if got := committed(ctx, t, b); len(got) != 0 {
				t.Errorf("committed after a restart: %v", got)
			}
			again := transactional(t, b, "late")
			defer again.Close()
			transact(ctx, t, again, kgo.TryCommit, "in time")
			if got := committed(ctx, t, b); !slices.Equal(got, []string{"in time"}) {
				t.Errorf("committed in the end: %v", got)
			}
		})
	}
}

// endedByTimeout reports whether a commit was refused as Apache Kafka refuses it after a time-out: the producer is fenced, or, where each end
// raises the epoch, taken for one that has missed the answer to its abort.
func endedByTimeout(err error, level int16) bool {
	if level >= 2 {
		return errors.Is(err, kerr.InvalidTxnState)
	}
	return errors.Is(err, kerr.ProducerFenced)
}

// TestTransactionalIDsAreForgotten waits until an id that nobody uses is gone, for good; it may come back as a new one.
func TestTransactionalIDsAreForgotten(t *testing.T) {
	o := testOptions(t.TempDir())
	o.Transactions.IDExpiration, o.Transactions.ExpiryInterval = 500*time.Millisecond, 50*time.Millisecond
	format(t, o)
	b := start(t, o)
	defer func() { stop(t, b) }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	creator := client(t, b)
	if _, err := kadm.NewClient(creator).CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	creator.Close()
	c := transactional(t, b, "id")
	transact(ctx, t, c, kgo.TryCommit, "first")
	c.Close()
	forgotten(ctx, t, b, "id")
	stop(t, b)
	b = start(t, o)
	forgotten(ctx, t, b, "id")
	c = transactional(t, b, "id")
	defer c.Close()
	transact(ctx, t, c, kgo.TryCommit, "second")
	if got := committed(ctx, t, b); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("committed: %v", got)
	}
}

// forgotten waits until the coordinator does not know a transactional id.
func forgotten(ctx context.Context, t *testing.T, b *Broker, id string) {
	t.Helper()
	for {
		answer, err := b.transactions.SendTxn(ctx, id, txn.Describe{TransactionalID: id})(ctx)
		if code := wire.CodeOf(err); code != wire.None && code != wire.CoordinatorLoadInProgress && code != wire.NotCoordinator {
			t.Fatal(err)
		}
		if told, ok := answer.(*kmsg.DescribeTransactionsResponseTransactionState); ok && told.ErrorCode == wire.TransactionalIDNotFound {
			return
		}
		<-time.After(time.Millisecond)
	}
}
