package simulation

import (
	"fmt"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/history"
)

// workers is how many partitions of orders there are; each is worked on by the clients of one transactional id.
const workers = 2

func orders(i int) txn.TopicPartition { return txn.TopicPartition{Topic: fmt.Sprintf("orders-%d", i)} }

func workerID(i int) string { return fmt.Sprintf("worker-%d", i) }

// startShop writes orders for a worker until clients are to be quiet.
func (w *world) startShop(i int) {
	w.after(w.upTo(100*time.Millisecond), func() {
		if !w.now.Before(w.quiet) {
			return
		}
		if w.broker != nil {
			w.values++
			w.disk.partition(orders(i)).put(fmt.Sprintf("order %d", w.values))
		}
		w.startShop(i)
	})
}

// beginOrders reads on from the committed offset: what is read, what is written for it, and the offset behind it are one transaction.
func (c *client) beginOrders() {
	c.call(func(b *broker, reply func(answer)) { b.fetchOffset(*c.orders, reply) }, func(a answer, _ bool) {
		if a.code != wire.None {
			c.restart()
			return
		}
		if c.w.broker == nil {
			c.next()
			return
		}
		from := max(a.offset, 0)
		l := c.w.disk.partition(*c.orders)
		end := min(l.confirmed(), from+1+c.w.r.Int64N(2))
		if from >= end {
			c.next()
			return
		}
		c.w.txns++
		c.addOrders(&transfer{txn: c.w.txns}, l.read(from, end, true), end)
	})
}

// addOrders adds the partitions to the transaction, where the client has to do that itself.
func (c *client) addOrders(t *transfer, todo []history.Record, end int64) {
	if c.level >= 2 {
		c.fulfil(t, todo, end)
		return
	}
	partitions := []txn.TopicPartition{offsetsPartition}
	for i := range todo {
		partitions = append(partitions, c.effect(todo[i]))
	}
	c.addPartitions(partitions, func() { c.fulfil(t, todo, end) })
}

// effect is where an order takes effect.
func (c *client) effect(order history.Record) txn.TopicPartition {
	return account(int(order.Value[len(order.Value)-1]) % accounts)
}

// fulfil writes the effects and the offset, and ends the transaction.
func (c *client) fulfil(t *transfer, todo []history.Record, end int64) {
	missing, failed := len(todo)+1, false
	done := func(a answer) {
		failed = failed || a.code != wire.None
		if missing--; missing == 0 {
			c.endMoved(t, failed)
		}
	}
	for i := range todo {
		c.produce(t, c.effect(todo[i]), 0, todo[i].Value, done)
	}
	p := &producing{id: c.id, level: c.level, producer: c.producer, at: *c.orders}
	c.call(func(b *broker, reply func(answer)) { b.commitOffset(p, end, reply) }, func(a answer, _ bool) { done(a) })
}

// checkOrders checks that the orders before the committed offset took effect, and no others.
func (w *world) checkOrders(i int, effects map[string]int) {
	committed := int64(-2)
	w.broker.fetchOffset(orders(i), func(a answer) {
		if committed = max(a.offset, 0); a.code != wire.None {
			w.breaks("the offset of %v: code %d", orders(i), a.code)
		}
	})
	w.runUntil(w.now.Add(time.Second))
	l := w.disk.partition(orders(i))
	for _, r := range l.read(0, l.end(), true) {
		expected := 0
		if r.Offset < committed {
			expected = 1
		}
		if n := effects[r.Value]; n != expected {
			w.breaks("%s at offset %d of %v took effect %d times, and the committed offset is %d", r.Value, r.Offset, orders(i), n, committed)
		}
	}
}

// orderOf is the order that a record is the effect of, if any.
func orderOf(value string) (order string, ok bool) {
	_, order, ok = strings.Cut(value, "; ")
	return order, ok
}
