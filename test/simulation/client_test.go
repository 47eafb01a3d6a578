package simulation

import (
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/history"
)

// requestTimeout is how long a client waits for an answer.
const requestTimeout = 100 * time.Millisecond

// client is a producer with a transactional id, from its start to its end. Others may have the same id at the same time.
type client struct {
	w      *world
	id     string
	number int
	// level is the transaction.version that it uses.
	level int16
	// orders are what it works on; nil if it moves money.
	orders    *txn.TopicPartition
	producer  txn.Producer
	sequences map[txn.TopicPartition]int32
	dead      bool
}

// answer is what a client is told.
type answer struct {
	code     int16
	offset   int64
	producer txn.Producer
}

// producing is a Produce request.
type producing struct {
	id       string
	level    int16
	producer txn.Producer
	at       txn.TopicPartition
	sequence int32
	value    string
}

// startClient starts a client of a transactional id, which works on orders or, if there are none for it, moves money.
func (w *world) startClient(id string, orders *txn.TopicPartition) {
	w.clients++
	w.alive[id]++
	c := &client{w: w, id: id, number: w.clients, orders: orders}
	if w.level >= 2 && w.r.IntN(4) > 0 {
		c.level = 2
	}
	c.init(txn.Producer{ID: -1, Epoch: -1})
}

// init gets an epoch, and begins.
func (c *client) init(expected txn.Producer) {
	q := txn.Init{TransactionalID: c.id, TimeoutMillis: int32(txnTimeout.Milliseconds()), Expected: expected}
	c.call(func(b *broker, reply func(answer)) {
		b.ask(c.id, q, func(code int16, value any) {
			p, _ := value.(txn.Producer)
			reply(answer{code: code, producer: p})
		})
	}, func(a answer, _ bool) {
		if a.code != wire.None {
			c.restart()
			return
		}
		c.become(a.producer)
		c.next()
	})
}

// become takes on what the coordinator calls the producer from now on.
func (c *client) become(p txn.Producer) {
	if c.producer != p {
		c.producer, c.sequences = p, map[txn.TopicPartition]int32{}
	}
}

// restart ends the client; another one begins with its id, unless there is one already.
func (c *client) restart() {
	c.die()
	c.w.after(c.w.upTo(100*time.Millisecond), func() {
		if c.w.now.Before(c.w.quiet) && c.w.alive[c.id] == 0 {
			c.w.startClient(c.id, c.orders)
		}
	})
}

func (c *client) die() {
	c.dead = true
	c.w.alive[c.id]--
}

// next begins a transaction, or ends the client; at times another one begins with the same id, and this one goes on as a zombie.
func (c *client) next() {
	if !c.w.now.Before(c.w.quiet) {
		c.die()
		return
	}
	if c.w.oneIn(20) {
		c.w.startClient(c.id, c.orders)
	}
	pause := c.w.upTo(50 * time.Millisecond)
	if c.w.oneIn(30) {
		pause = c.w.upTo(3 * time.Second)
	}
	c.w.after(pause, c.begin)
}

func (c *client) begin() {
	if c.orders != nil {
		c.beginOrders()
		return
	}
	c.beginTransfer()
}

// call sends a request until it is answered in a way that is worth to be told, or it has been tried for some times. then also hears whether it is sure that no try but the last
// one took effect.
func (c *client) call(request func(b *broker, reply func(answer)), then func(a answer, sure bool)) {
	tries := 50
	if c.w.oneIn(3) {
		tries = 1 + c.w.r.IntN(3)
	}
	c.try(request, then, tries, true)
}

func (c *client) try(request func(b *broker, reply func(answer)), then func(a answer, sure bool), tries int, sure bool) {
	settled := false
	settle := func(a answer, sure bool) {
		if settled || c.dead {
			return
		}
		settled = true
		if !again(a.code) || tries == 1 {
			then(a, sure)
			return
		}
		c.w.after(c.w.upTo(30*time.Millisecond), func() {
			if !c.dead {
				c.try(request, then, tries-1, sure)
			}
		})
	}
	c.w.after(requestTimeout, func() { settle(answer{code: wire.RequestTimedOut}, false) })
	c.deliver(func() {
		if c.w.broker == nil {
			return
		}
		request(c.w.broker, func(a answer) {
			if c.w.trouble(c.w.draw.loss) {
				return
			}
			c.w.after(c.w.upTo(5*time.Millisecond), func() { settle(a, sure && definite(a.code)) })
		})
	})
}

// deliver brings a request to the broker, at least if nothing happens to it. Only clients of transaction.version 2 are safe from requests that
// come when another connection has brought later ones (KIP-890).
func (c *client) deliver(arrives func()) {
	if c.w.trouble(c.w.draw.loss) {
		return
	}
	delay := c.w.upTo(5 * time.Millisecond)
	if c.level >= 2 && c.w.trouble(c.w.draw.lateness) {
		delay = c.w.upTo(2 * time.Second)
	}
	c.w.after(delay, arrives)
}

// again says that the client tries again.
func again(code int16) bool {
	switch code {
	case wire.ConcurrentTransactions, wire.CoordinatorLoadInProgress, wire.CoordinatorNotAvailable, wire.NotCoordinator, wire.NotEnoughReplicas,
		wire.RequestTimedOut, wire.UnstableOffsetCommit:
		return true
	default:
		return false
	}
}

// definite says that after this answer nothing of the request can take effect.
func definite(code int16) bool {
	switch code {
	case wire.CoordinatorNotAvailable, wire.NotCoordinator, wire.RequestTimedOut:
		return false
	default:
		return true
	}
}

// produce sends a record of a transaction to a partition, which may be the effect of an order.
func (c *client) produce(t *transfer, at txn.TopicPartition, amount int, order string, then func(answer)) {
	c.w.values++
	p := &producing{
		id: c.id, level: c.level, producer: c.producer, at: at, sequence: c.sequences[at],
		value: fmt.Sprintf("%d: transfer %d: %d", c.w.values, t.txn, amount),
	}
	if order != "" {
		p.value += "; " + order
	}
	c.sequences[at]++
	ev := history.Event{Client: c.number, Op: history.Send, Phase: history.Invoke, Txn: t.txn, Topic: at.Topic, Value: p.value, Once: order}
	c.w.record(ev)
	c.call(func(b *broker, reply func(answer)) { b.produce(p, reply) }, func(a answer, sure bool) {
		ev.Phase, ev.Offset = outcome(a, sure), a.offset
		c.w.record(ev)
		then(a)
	})
}

// outcome is what a client may say for sure.
func outcome(a answer, sure bool) history.Phase {
	switch {
	case a.code == wire.None:
		return history.OK
	case sure && definite(a.code):
		return history.Fail
	default:
		return history.Unknown
	}
}
