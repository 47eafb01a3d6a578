package txn

import (
	"fmt"
	"math"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// want is a call for a producer id.
type want struct {
	id string
	// ticket is the request that waits for it, 0 for none.
	ticket uint64
	// then goes on with it. Nothing else has changed the transactional id meanwhile.
	then func(producerID int64)
}

// withProducerID goes on when there is a producer id. Until then whoever wants to change the transactional id is told to come again.
func (m *Machine) withProducerID(ticket uint64, id string, then func(producerID int64)) {
	m.awaited[id] = struct{}{}
	m.wants[m.outbox.Call(WantProducerID{})] = want{id: id, ticket: ticket, then: then}
}

func (m *Machine) gotProducerID(w want, result any) {
	delete(m.awaited, w.id)
	got, ok := result.(ProducerID)
	if !ok || got.Code == wire.None && got.ID < 0 {
		got.Code = wire.UnknownServerError
	}
	switch {
	case got.Code == wire.None:
		w.then(got.ID)
	case w.ticket != 0:
		m.refuse(w.ticket, got.Code)
	}
}

// busy reports whether the transactional id is on its way to another state: it waits for a producer id or for markers.
func (m *Machine) busy(id string) bool {
	_, waits := m.awaited[id]
	t := m.transactions[id]
	return waits || t != nil && t.state.decided()
}

func (m *Machine) init(ticket uint64, q Init) {
	if code := m.checkInit(q); code != wire.None {
		m.refuse(ticket, code)
		return
	}
	t := m.transactions[q.TransactionalID]
	switch {
	case m.busy(q.TransactionalID):
		m.refuse(ticket, wire.ConcurrentTransactions)
	case t == nil:
		m.create(ticket, q)
	case q.expects() && !t.knows(q.Expected):
		m.refuse(ticket, wire.ProducerFenced)
	case t.state == Ongoing:
		m.fence(ticket, t)
	case exhausted(t.producer.Epoch) && (!q.expects() || q.Expected.Epoch == t.producer.Epoch):
		m.withProducerID(ticket, t.id, func(producerID int64) { m.rotate(ticket, t, q, producerID) })
	default:
		m.nextEpoch(ticket, t, q)
	}
}

func (m *Machine) checkInit(q Init) int16 {
	timeout := time.Duration(q.TimeoutMillis) * time.Millisecond
	switch {
	case q.TransactionalID == "" || len(q.TransactionalID) > math.MaxInt16:
		return wire.InvalidRequest
	case (q.Expected.ID == none) != (q.Expected.Epoch == none):
		return wire.InvalidRequest
	case timeout <= 0 || timeout > m.cfg.MaxTimeout:
		return wire.InvalidTransactionTimeout
	}
	if size := maxRecordSize(q.TransactionalID, nil); size > m.cfg.MaxAppendBytes {
		m.outbox.Trouble(q.TransactionalID, fmt.Errorf("store a producer: %w", coordinator.TooLarge(Topic, size, m.cfg.MaxAppendBytes)))
		return wire.UnknownServerError
	}
	return wire.None
}

// expects reports whether the producer says what it believes to be.
func (q Init) expects() bool { return q.Expected.ID != none }

// knows reports whether a producer that names itself so can be this id's: with the present producer id, or with the one before when its
// epochs had run out (KIP-360).
func (t *transaction) knows(p Producer) bool {
	return p.ID == t.producer.ID || p.ID == t.previousID && exhausted(p.Epoch)
}

// create makes a transactional id that did not exist. Whatever its producer believes to be, nobody can contradict.
func (m *Machine) create(ticket uint64, q Init) {
	m.withProducerID(ticket, q.TransactionalID, func(producerID int64) {
		t := newTransaction(q.TransactionalID)
		m.transactions[t.id] = t
		t.producer.ID = producerID
		m.begin(ticket, t, q, t.producer.bumped())
	})
}

// nextEpoch bumps the epoch, or tells the present one again to a producer that missed the answer to the last bump.
func (m *Machine) nextEpoch(ticket uint64, t *transaction, q Init) {
	switch {
	case !q.expects():
		t.previousEpoch = none
	case q.Expected.Epoch == t.producer.Epoch:
		t.previousEpoch = t.producer.Epoch
	case q.Expected.Epoch == t.previousEpoch:
		m.begin(ticket, t, q, t.producer)
		return
	default:
		m.refuse(ticket, wire.ProducerFenced)
		return
	}
	m.begin(ticket, t, q, t.producer.bumped())
}

// rotate goes on with another producer id, since the epochs of the present one have run out.
func (m *Machine) rotate(ticket uint64, t *transaction, q Init, producerID int64) {
	t.previousEpoch = none
	if q.expects() {
		t.previousEpoch = t.producer.Epoch
	}
	m.begin(ticket, t, q, Producer{ID: producerID})
}

// begin lets a producer start.
func (m *Machine) begin(ticket uint64, t *transaction, q Init, p Producer) {
	t.enter(Empty, m.now)
	t.producer, t.timeoutMillis, t.startMillis = p, q.TimeoutMillis, none
	m.store(t)
	m.answer(ticket, p)
}
