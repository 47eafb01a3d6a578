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
	guard      int
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

// verified begins the verification of a transaction's first record; guard is 0 where none is needed.
func (l *log) verify(p txn.Producer) (guard int, code int16) {
	s := l.known.state(p.ID)
	switch {
	case s.epoch > p.Epoch && !l.w.faults.epochUnchecked:
		return 0, wire.InvalidProducerEpoch
	case s.open >= 0 && s.epoch == p.Epoch || l.w.faults.verifiesNothing:
		return 0, wire.None
	case s.guard == 0 || s.guardEpoch < p.Epoch:
		l.w.values++
		s.guard, s.guardEpoch = l.w.values, p.Epoch
	}
	return s.guard, wire.None
}

// produce appends a record of a transaction. It calls back when the record is confirmed, or at once with a code.
func (l *log) produce(p txn.Producer, sequence int32, value string, guard int, reply func(answer)) {
	s := l.known.state(p.ID)
	if s.epoch == p.Epoch {
		for _, b := range s.batches {
			if b.sequence == sequence {
				l.waitFor(b.offset, reply)
				return
			}
		}
	}
	if code := l.check(s, p, sequence, guard); code != wire.None {
		reply(answer{code: code})
		return
	}
	var offset int64
	offset = l.append(func() { reply(answer{offset: offset}) }, entry{value: value, producer: p, sequence: sequence, transactional: true})
}

func (l *log) check(s *producerState, p txn.Producer, sequence int32, guard int) int16 {
	expected := int32(0)
	if s.epoch == p.Epoch && len(s.batches) > 0 {
		expected = s.batches[len(s.batches)-1].sequence + 1
	}
	switch {
	case s.epoch > p.Epoch && !l.w.faults.epochUnchecked:
		return wire.InvalidProducerEpoch
	case s.epoch >= 0 && sequence != expected && !l.w.faults.epochUnchecked:
		return wire.OutOfOrderSequenceNumber
	case (s.open < 0 || s.epoch != p.Epoch) && !l.w.faults.verifiesNothing && (guard == 0 || guard != s.guard || s.guardEpoch != p.Epoch):
		return wire.InvalidTxnState
	default:
		return wire.None
	}
}

// waitFor answers a repeated record when the first one is confirmed.
func (l *log) waitFor(offset int64, reply func(answer)) {
	if int(offset) < l.confirmed {
		reply(answer{offset: offset})
		return
	}
	l.waiting = append(l.waiting, waiter{len(l.entries), func() { reply(answer{offset: offset}) }})
}

// mark writes a marker. It calls back when the marker is confirmed, or at once with a code.
func (l *log) mark(m coordinator.Marker, level int16, reply func(code int16)) {
	s := l.known.state(m.ProducerID)
	switch {
	case m.CoordinatorEpoch < s.coordinatorEpoch:
		reply(wire.TransactionCoordinatorFenced)
	case m.Epoch < s.epoch, level >= 2 && m.Epoch == s.epoch && s.open >= 0:
		reply(wire.InvalidProducerEpoch)
	default:
		if !l.w.faults.guardsStay {
			s.guard = 0
		}
		l.append(func() { reply(wire.None) }, entry{producer: txn.Producer{ID: -1}, sequence: -1, marker: &m})
	}
}
