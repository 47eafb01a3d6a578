package simulation

import (
	"math"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// producers are what a log knows of each producer id.
type producers map[int64]*producerState

type producerState struct {
	epoch            int16
	coordinatorEpoch int32
	// batches are the last five records with a sequence.
	batches []batch
	// open is the first offset of the transaction that is open, -1 if there is none.
	open int64
	// closed are transactions whose markers are not confirmed yet; aborted are the others that were aborted.
	closed  []span
	aborted []span
	// guard is the verification that a transaction's first record has to come with; it is not in the log.
	guard      uint64
	guardEpoch int16
}

type batch struct {
	sequence int32
	offset   int64
}

// span is a transaction from its first record to its marker.
type span struct{ first, marker int64 }

func (p producers) state(id int64) *producerState {
	s := p[id]
	if s == nil {
		s = &producerState{epoch: -1, coordinatorEpoch: -1, open: -1}
		p[id] = s
	}
	return s
}

// take takes in an entry that the rules allow.
func (p producers) take(offset int64, e *entry) {
	if e.marker != nil {
		p.state(e.marker.ProducerID).end(offset, e.marker)
		return
	}
	if e.producer.ID < 0 {
		return
	}
	s := p.state(e.producer.ID)
	if s.epoch != e.producer.Epoch {
		s.epoch, s.batches = e.producer.Epoch, nil
	}
	if e.sequence >= 0 {
		s.batches = append(s.batches, batch{e.sequence, offset})
		s.batches = s.batches[max(0, len(s.batches)-5):]
	}
	if e.transactional && s.open < 0 {
		s.open = offset
	}
	s.guard = 0
}

func (s *producerState) end(offset int64, m *coordinator.Marker) {
	if s.open >= 0 {
		done := span{s.open, offset}
		s.closed = append(s.closed, done)
		if !m.Commit {
			s.aborted = append(s.aborted, done)
		}
	}
	if m.Epoch != s.epoch {
		s.batches = nil
	}
	s.open, s.epoch, s.coordinatorEpoch = -1, m.Epoch, m.CoordinatorEpoch
}

func (p producers) confirm(end int64) {
	for _, s := range p {
		for len(s.closed) > 0 && s.closed[0].marker < end {
			s.closed = s.closed[1:]
		}
	}
}

func (p producers) firstUnstable() int64 {
	first := int64(math.MaxInt64)
	for _, s := range p {
		if s.open >= 0 {
			first = min(first, s.open)
		}
		if len(s.closed) > 0 {
			first = min(first, s.closed[0].first)
		}
	}
	return first
}

// isAborted reports whether a record belongs to an aborted transaction.
func (p producers) isAborted(id, offset int64) bool {
	if s := p[id]; s != nil {
		for _, a := range s.aborted {
			if a.first <= offset && offset < a.marker {
				return true
			}
		}
	}
	return false
}

func (l *log) verify(q *producing) (guard uint64, code int16) {
	p := q.producer
	s := l.known.state(p.ID)
	switch {
	case s.epoch > p.Epoch && !l.w.faults.epochUnchecked:
		return 0, wire.InvalidProducerEpoch
	case s.open >= 0 && s.epoch == p.Epoch || l.w.faults.verifiesNothing:
		return 0, wire.None
	case s.guard == 0 || s.guardEpoch < p.Epoch:
		l.w.guards++
		s.guard, s.guardEpoch = l.w.guards, p.Epoch
	}
	return s.guard, wire.None
}

func (l *log) produce(q *producing, guard uint64, reply func(answer)) {
	p := q.producer
	s := l.known.state(p.ID)
	if s.epoch == p.Epoch {
		for _, b := range s.batches {
			if b.sequence == q.sequence {
				l.waitFor(b.offset, reply)
				return
			}
		}
	}
	if code := l.check(s, p, q.sequence, guard); code != wire.None {
		reply(answer{code: code})
		return
	}
	var offset int64
	offset = l.append(func() { reply(answer{offset: offset}) }, entry{value: q.value, producer: p, sequence: q.sequence, transactional: true})
}

// check says what speaks against a record; those of coordinators have the sequence -1.
func (l *log) check(s *producerState, p txn.Producer, sequence int32, guard uint64) int16 {
	expected := int32(0)
	if s.epoch == p.Epoch && len(s.batches) > 0 {
		expected = s.batches[len(s.batches)-1].sequence + 1
	}
	switch {
	case s.epoch > p.Epoch && !l.w.faults.epochUnchecked:
		return wire.InvalidProducerEpoch
	case sequence >= 0 && s.epoch >= 0 && sequence != expected && !l.w.faults.epochUnchecked:
		return wire.OutOfOrderSequenceNumber
	case (s.open < 0 || s.epoch != p.Epoch) && !l.w.faults.verifiesNothing && (guard == 0 || guard != s.guard || s.guardEpoch != p.Epoch):
		return wire.InvalidTxnState
	default:
		return wire.None
	}
}

// waitFor answers a repeated record when the first one is confirmed.
func (l *log) waitFor(offset int64, reply func(answer)) {
	if offset < l.confirmed() {
		reply(answer{offset: offset})
		return
	}
	l.waiting = append(l.waiting, waiter{len(l.entries), func() { reply(answer{offset: offset}) }})
}

func (l *log) take(a coordinator.Append, confirmed func()) int16 {
	if a.Marker != nil {
		return l.mark(*a.Marker, confirmed)
	}
	e := entry{producer: txn.Producer{ID: -1}, sequence: -1}
	if a.Producer != nil {
		e.producer, e.transactional = txn.Producer{ID: a.Producer.ID, Epoch: a.Producer.Epoch}, true
		if code := l.check(l.known.state(e.producer.ID), e.producer, -1, a.Producer.Guard); code != wire.None {
			return code
		}
	}
	var entries []entry
	for _, r := range a.Records {
		e.record = r
		entries = append(entries, e)
	}
	l.append(confirmed, entries...)
	return wire.None
}

func (l *log) mark(m coordinator.Marker, confirmed func()) int16 {
	s := l.known.state(m.ProducerID)
	switch {
	case m.CoordinatorEpoch < s.coordinatorEpoch:
		return wire.TransactionCoordinatorFenced
	case m.Epoch < s.epoch, m.Level >= 2 && m.Epoch == s.epoch && s.open >= 0:
		return wire.InvalidProducerEpoch
	case !l.w.faults.guardsStay:
		s.guard = 0
	}
	l.append(confirmed, entry{producer: txn.Producer{ID: -1}, sequence: -1, marker: &m})
	return wire.None
}
