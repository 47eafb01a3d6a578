package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

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
			makeTopic(ctx, t, b)
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

// TestATransactionIsAbortedWithinTheInterval moves the broker's clock by hand. When a look for overdue transactions has ended one of a
// shorter time-out, one whose time-out is just reached is still open; the next look, an interval later, ends it.
func TestATransactionIsAbortedWithinTheInterval(t *testing.T) {
	const timeout, interval = 500 * time.Millisecond, 100 * time.Millisecond
	began := time.Now().Truncate(time.Millisecond)
	var passed atomic.Int64
	o := testOptions(t.TempDir())
	o.Clock = func() time.Time { return began.Add(time.Duration(passed.Load())) }
	o.Transactions.AbortInterval, o.TransactionTopic.Partitions = interval, 1
	format(t, o)
	b := start(t, o)
	defer stop(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	makeTopic(ctx, t, b)
	for id, after := range map[string]time.Duration{"just": timeout, "over": timeout - time.Millisecond} {
		c := client(t, b, kgo.TransactionalID(id), kgo.DefaultProduceTopic("t"), kgo.TransactionTimeout(after))
		defer c.Close()
		begun(ctx, t, c, id)
	}
	passed.Store(int64(timeout))
	reaches(ctx, t, b, "over", "CompleteAbort")
	reaches(ctx, t, b, "just", "Ongoing")
	passed.Store(int64(timeout + interval))
	reaches(ctx, t, b, "just", "CompleteAbort")
	var ended []time.Duration
	for _, m := range markers(ctx, t, b) {
		ended = append(ended, m.Timestamp.Sub(began))
	}
	if want := []time.Duration{timeout, timeout + interval}; !slices.Equal(ended, want) {
		t.Errorf("transactions ended after %v, want %v", ended, want)
	}
}

// reaches waits while a transaction that is to be aborted is open or being aborted; an open one is not waited for.
func reaches(ctx context.Context, t *testing.T, b *Broker, id, want string) {
	t.Helper()
	for {
		answer, err := b.transactions.SendTxn(ctx, id, txn.Describe{TransactionalID: id})(ctx)
		if err != nil {
			t.Fatalf("describe %s: %v", id, err)
		}
		told, ok := answer.(*kmsg.DescribeTransactionsResponseTransactionState)
		if !ok || told.ErrorCode != wire.None {
			t.Fatalf("describe %s: %+v", id, answer)
		}
		if told.State == want {
			return
		}
		if told.State != "Ongoing" && told.State != "PrepareAbort" || want == "Ongoing" {
			t.Fatalf("transaction %s is %s, not %s", id, told.State, want)
		}
		<-time.After(time.Millisecond)
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
	makeTopic(ctx, t, b)
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
