package txn

import "github.com/chronik-stream/chronik/broker/wire"

// verdict is what is to be done about an End.
type verdict uint8

const (
	// refuse answers with a code.
	refuse verdict = iota
	// repeat answers as before: the transaction has ended in this way.
	repeat
	// decide ends the transaction.
	decide
	// abortNothing aborts a transaction without partitions, so that the epoch is bumped.
	abortNothing
)

func (m *Machine) end(ticket uint64, q End) {
	t := m.transactions[q.TransactionalID]
	if q.TransactionalID == "" {
		m.refuse(ticket, wire.InvalidRequest)
		return
	}
	if t == nil {
		m.refuse(ticket, wire.InvalidProducerIDMapping)
		return
	}
	judge := t.judgePlain
	if q.Level >= bumpLevel {
		judge = t.judgeBumping
	}
	switch do, code := judge(q, m.busy(t.id)); do {
	case refuse:
		m.refuse(ticket, code)
	case repeat:
		m.answer(ticket, t.producer)
	case decide, abortNothing:
		m.decideWithID(ticket, t, decision{commit: q.Commit, level: q.Level, nothing: do == abortNothing}, func() {
			m.answer(ticket, t.afterwards())
		})
	}
}

// judgePlain holds the rules for clients that keep their epoch from transaction to transaction.
func (t *transaction) judgePlain(q End, busy bool) (verdict, int16) {
	switch {
	case t.producer.ID != q.Producer.ID:
		return refuse, wire.InvalidProducerIDMapping
	case t.producer.Epoch != q.Producer.Epoch:
		return refuse, wire.ProducerFenced
	case busy:
		return refuse, wire.ConcurrentTransactions
	case t.state == Ongoing:
		return decide, wire.None
	}
	if ended, commit := t.state.outcome(); ended && commit == q.Commit {
		return repeat, wire.None
	}
	return refuse, wire.InvalidTxnState
}

// judgeBumping holds the rules for clients whose epoch is bumped at each end (KIP-890). A client that missed the answer comes with the
// epoch before the bump, or, when that was the last one, with the producer id before. Where the end was without a bump, the epoch before
// is that of a fenced producer: other than by Apache Kafka it is not told the epoch of the one that fenced it, or both would go on with it.
func (t *transaction) judgeBumping(q End, busy bool) (verdict, int16) {
	overflowed := q.Producer == Producer{t.previousID, lastEpoch} && t.producer.Epoch == 0
	ended, commit := t.state.outcome()
	missed := overflowed || t.producer.Epoch == q.Producer.Epoch+1
	switch {
	case busy:
		return refuse, wire.ConcurrentTransactions
	case t.producer.ID != q.Producer.ID && !overflowed:
		return refuse, wire.InvalidProducerIDMapping
	case t.producer.Epoch != q.Producer.Epoch && (!ended || !missed):
		return refuse, wire.ProducerFenced
	case t.state == Ongoing:
		return decide, wire.None
	case ended && missed && commit == q.Commit && t.level < bumpLevel:
		return refuse, wire.ProducerFenced
	case ended && missed && commit == q.Commit:
		return repeat, wire.None
	case !missed && !q.Commit:
		return abortNothing, wire.None
	default:
		return refuse, wire.InvalidTxnState
	}
}

// decision is how a transaction is to end.
type decision struct {
	commit bool
	// level is the transaction.version by which it ends.
	level int16
	// nothing says that there is no transaction: it begins and ends now.
	nothing bool
}

// decideWithID ends a transaction, with a producer id for afterwards where the epochs run out, and then answers.
func (m *Machine) decideWithID(ticket uint64, t *transaction, d decision, then func()) {
	if d.level < bumpLevel || !exhausted(t.producer.Epoch) {
		m.decide(t, d, none)
		then()
		return
	}
	m.withProducerID(ticket, t.id, func(producerID int64) {
		m.decide(t, d, producerID)
		then()
	})
}

// decide writes down how a transaction ends. From now on it ends in this way and no other; markers follow when that is confirmed.
func (m *Machine) decide(t *transaction, d decision, nextID int64) {
	t.enter(prepareState(d.commit), m.now)
	t.level = 0
	if d.level >= bumpLevel {
		t.level = d.level
		t.previousEpoch = t.producer.Epoch
		t.producer = t.producer.bumped()
	}
	t.nextID = nextID
	if d.nothing {
		t.startMillis = t.updatedMillis
	}
	t.pause = 0
	m.store(t)
	m.prepared = append(m.prepared, prepared{seq: m.outbox.Seq(), t: t})
}

// afterwards is who the producer is once the markers of its transaction are written.
func (t *transaction) afterwards() Producer {
	if t.level >= bumpLevel && t.nextID != none {
		return Producer{ID: t.nextID}
	}
	return t.producer
}

// fence aborts a transaction in an epoch that its producer does not have, so that it can do nothing more. Whoever asked for it is to
// come again: then the transaction is over, and the epoch is bumped once more, since the one that fences is never given out.
func (m *Machine) fence(ticket uint64, t *transaction) {
	d := decision{level: m.level}
	if m.level < bumpLevel {
		t.producer, t.previousEpoch = t.producer.bumped(), none
	}
	m.decideWithID(ticket, t, d, func() {
		if ticket != 0 {
			m.refuse(ticket, wire.ConcurrentTransactions)
		}
	})
}
