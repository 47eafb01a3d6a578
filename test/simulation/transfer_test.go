package simulation

import (
	"time"

	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/history"
)

// transfer is a transaction that takes from one account what it gives to another.
type transfer struct {
	txn      int64
	from, to txn.TopicPartition
	amount   int
	// committed says that the client was told so.
	committed bool
}

func (c *client) beginTransfer() {
	from := c.w.r.IntN(accounts)
	to := (from + 1 + c.w.r.IntN(accounts-1)) % accounts
	c.w.txns++
	t := &transfer{txn: c.w.txns, from: account(from), to: account(to), amount: 1 + c.w.r.IntN(100)}
	c.w.transfers = append(c.w.transfers, t)
	if c.level >= 2 {
		c.move(t)
		return
	}
	c.addPartitions([]txn.TopicPartition{t.from, t.to}, func() { c.move(t) })
}

// addPartitions adds partitions to the transaction, and then goes on.
func (c *client) addPartitions(partitions []txn.TopicPartition, then func()) {
	add := txn.Add{TransactionalID: c.id, Producer: c.producer, Partitions: partitions}
	c.call(func(b *broker, reply func(answer)) {
		b.ask(c.id, add, func(code int16, _ any) { reply(answer{code: code}) })
	}, func(a answer, _ bool) {
		if a.code != wire.None {
			c.restart()
			return
		}
		then()
	})
}

// move writes both records at the same time, and then ends the transaction.
func (c *client) move(t *transfer) {
	missing, failed := 2, false
	done := func(a answer) {
		failed = failed || a.code != wire.None
		if missing--; missing == 0 {
			c.endMoved(t, failed)
		}
	}
	c.produce(t, t.from, -t.amount, "", done)
	c.produce(t, t.to, t.amount, "", done)
}

// endMoved ends a transaction whose records are written, or have failed to be.
func (c *client) endMoved(t *transfer, failed bool) {
	switch {
	case failed && c.w.oneIn(2):
		c.restart()
	case failed:
		c.end(t, false, c.recover)
	default:
		c.w.after(c.stall(), func() { c.end(t, c.w.r.IntN(4) > 0, c.next) })
	}
}

// stall is how long the client thinks before it ends a transaction; sometimes for too long.
func (c *client) stall() time.Duration {
	if c.w.trouble(20) {
		return c.w.upTo(3 * txnTimeout)
	}
	return c.w.upTo(10 * time.Millisecond)
}

// end ends the transaction and goes on, if that succeeds.
func (c *client) end(t *transfer, commit bool, then func()) {
	if c.dead {
		return
	}
	ev := history.Event{Client: c.number, Op: history.End, Phase: history.Invoke, Txn: t.txn, Commit: commit}
	c.w.record(ev)
	q := txn.End{TransactionalID: c.id, Producer: c.producer, Commit: commit, Level: c.level}
	c.call(func(b *broker, reply func(answer)) {
		b.ask(c.id, q, func(code int16, value any) {
			p, _ := value.(txn.Producer)
			reply(answer{code: code, producer: p})
		})
	}, func(a answer, sure bool) {
		if ev.Phase = outcome(a, sure); c.level >= 2 && !commit {
			ev.Phase = history.Unknown // an abort by the coordinator itself is answered in the same way
		}
		c.w.record(ev)
		if a.code != wire.None {
			c.restart()
			return
		}
		t.committed = commit
		if c.level >= 2 {
			c.become(a.producer)
		}
		then()
	})
}

// recover goes on after an abort in a new epoch, as the epoch before has left a record in doubt (KIP-360).
func (c *client) recover() { c.init(c.producer) }
