package storage

import (
	"bytes"
	"fmt"
	"slices"
)

// sentBatch is a batch that was appended.
type sentBatch struct {
	raw    []byte
	h      header
	times  []int64 // of its records
	marker *marker
}

// modelLog is what one log may hold after a crash.
type modelLog struct {
	id   TopicID
	home *modelDir // where it was found, or has moved to
	log  *Log
	// frozen says that nothing more is done with it in this life: a failed move has left two.
	frozen  bool
	batches []sentBatch // all that were appended, in order
	// alternative is what the log held before a truncation that was interrupted; nil if there was none.
	alternative []sentBatch
	// confirmed is what a kill must leave, durable what a power loss must leave.
	confirmed, durable int64
	epoch              int32
	// The log start is at most maxStart, after a kill at least minStart, after a power loss at least durableStart.
	minStart, durableStart, maxStart int64
	deleting                         bool  // a deletion was interrupted
	started                          int64 // when the log was loaded, in milliseconds
	// producers are those that may go on, by id; ids are not used again.
	producers    map[int64]*modelProducer
	nextProducer int64
}

// modelProducer is a producer as its client knows it.
type modelProducer struct {
	epoch            int16
	coordinatorEpoch int32
	next             int32
	inTxn            bool
	txnFirst         int64
	// firstKept is the transaction's first batch at or behind the log start, -1 if there is none.
	firstKept int64
	// marked is the timestamp of the last marker, 0 if there is none, and markedAt its offset.
	marked, markedAt int64
	// sent are the last five batches of the epoch.
	sent []sentBatch
}

// abortedOf is an aborted transaction: one of the firsts that a log may know, by what its start has taken.
type abortedOf struct {
	id, first, firstKept, last int64
}

// derived is what follows from batches.
type derived struct {
	producers map[int64]*modelProducer
	aborted   []abortedOf
}

// derive carries out what batches say, in a log that starts at an offset.
func derive(batches []sentBatch, start int64) derived {
	d := derived{producers: map[int64]*modelProducer{}}
	for _, b := range batches {
		if !b.h.hasProducer() {
			continue
		}
		p := d.producers[b.h.producerID]
		if p == nil {
			p = &modelProducer{epoch: b.h.producerEpoch, txnFirst: -1, firstKept: -1}
			d.producers[b.h.producerID] = p
		}
		if p.epoch != b.h.producerEpoch {
			p.epoch, p.next, p.sent = b.h.producerEpoch, 0, nil
		}
		if b.marker != nil {
			if b.marker.kind == markerAbort && p.inTxn {
				d.aborted = append(d.aborted, abortedOf{b.h.producerID, p.txnFirst, p.firstKept, b.h.base})
			}
			p.inTxn, p.txnFirst, p.firstKept, p.marked = false, -1, -1, b.h.maxTimestamp
			p.coordinatorEpoch, p.markedAt = b.marker.coordinatorEpoch, b.h.base
			continue
		}
		if b.h.transactional() && !p.inTxn {
			p.inTxn, p.txnFirst = true, b.h.base
		}
		if p.inTxn && p.firstKept < 0 && b.h.last() >= start {
			p.firstKept = b.h.base
		}
		p.next = addSequence(b.h.baseSequence, b.h.lastDelta+1)
		p.sent = append(p.sent, b)
		if len(p.sent) > rememberedBatches {
			p.sent = p.sent[1:]
		}
	}
	return d
}

// checkProducers compares the producer state with the one that the batches tell of.
func (l *modelLog) checkProducers(log *Log, start, end, now int64) error {
	want := derive(l.batches, start)
	var earliest, required int64 = -1, -1
	for id, p := range want.producers {
		if p.inTxn {
			earliest = lower(earliest, max(p.txnFirst, start))
			if p.firstKept >= 0 {
				required = lower(required, max(p.firstKept, start))
			}
		}
		if len(p.sent) == 0 || p.sent[len(p.sent)-1].h.last() < start {
			continue // its batches are deleted: it may be forgotten
		}
		if got := log.producers.byID[id]; got == nil || got.epoch != p.epoch || p.marked > 0 && p.markedAt >= start && got.coordinatorEpoch != p.coordinatorEpoch {
			return fmt.Errorf("producer %d is known as %+v, want epoch %d of coordinator epoch %d", id, got, p.epoch, p.coordinatorEpoch)
		}
		if kindOf(id) == ofCoordinator {
			continue // nothing is told by sequences
		}
		if err := checkProducer(log, p, start, now); err != nil {
			return fmt.Errorf("producer %d: %w", id, err)
		}
	}
	for id := range log.producers.byID {
		if want.producers[id] == nil {
			return fmt.Errorf("producer %d is invented", id)
		}
	}
	first, unstable := log.producers.firstUnstable(end)
	if unstable {
		first = max(first, start)
	}
	if unstable && (earliest < 0 || first < earliest) || required >= 0 && (!unstable || first > required) {
		return fmt.Errorf("first unstable offset %d (%v), want one from %d to %d", first, unstable, earliest, required)
	}
	return checkAborted(log, want.aborted, start)
}

func lower(a, b int64) int64 {
	if a < 0 {
		return b
	}
	return min(a, b)
}

// recalled says whether a batch before the last one is surely known after a start: none since it is too old for a retry.
func (p *modelProducer) recalled(n int, started int64) bool {
	tooOld := func(ts int64) bool { return started-ts >= recallAge.Milliseconds() }
	return n+1 == len(p.sent) || (p.marked == 0 || !tooOld(p.marked)) &&
		!slices.ContainsFunc(p.sent[n:], func(b sentBatch) bool { return tooOld(b.h.maxTimestamp) })
}

// checkProducer says whether the next batch is taken, and what was sent is known.
func checkProducer(log *Log, p *modelProducer, start, now int64) error {
	last := p.sent[len(p.sent)-1].h
	for i := range p.sent {
		b := &p.sent[i].h
		if b.base < start || !p.recalled(i, now) {
			continue
		}
		again, err := log.check(b, nil, &AppendInfo{Origin: Client})
		if err != nil || again == nil || again.lastOffset != b.last() || again.baseOffset() != b.base {
			return fmt.Errorf("the batch at %d again, sequence %d of epoch %d, the last one is %d: %+v, %w", b.base, b.baseSequence, b.producerEpoch, last.baseSequence, again, err)
		}
	}
	next := last
	next.baseSequence, next.lastDelta = p.next, 0
	if !p.inTxn {
		next.attributes &^= attrTransactional // another one would have to be verified
	}
	if again, err := log.check(&next, nil, &AppendInfo{Origin: Client}); err != nil || again != nil {
		return fmt.Errorf("the next batch, sequence %d: %+v, %w", p.next, again, err)
	}
	next.baseSequence = addSequence(p.next, 1)
	if _, err := log.check(&next, nil, &AppendInfo{Origin: Client}); err == nil {
		return fmt.Errorf("a gap before sequence %d is not seen", next.baseSequence)
	}
	return nil
}

// checkAborted compares the transaction indexes with the markers.
func checkAborted(log *Log, want []abortedOf, start int64) error {
	var got []abortedTxn
	for _, s := range *log.segments.Load() {
		entries, err := s.txnEntries()
		if err != nil {
			return err
		}
		got = append(got, entries...)
	}
	for _, w := range want {
		if w.firstKept < 0 || w.last < start {
			continue // nothing of it can be read
		}
		i := slices.IndexFunc(got, func(a abortedTxn) bool { return a.last == w.last })
		if i < 0 || got[i].producerID != w.id || got[i].first < w.first || got[i].first > w.firstKept {
			return fmt.Errorf("the aborted transaction %+v is not in the index: %+v", w, got)
		}
	}
	for _, a := range got {
		if !slices.ContainsFunc(want, func(w abortedOf) bool { return w.last == a.last && w.id == a.producerID }) {
			return fmt.Errorf("the index has a transaction that nobody aborted: %+v", a)
		}
	}
	return nil
}

// checkEpochs compares the leader epochs with those of the batches.
func (l *modelLog) checkEpochs(log *Log, start, end int64) error {
	for epoch := range l.epoch + 2 {
		low, high := start, end // where the epoch may end
		known, newer := false, false
		for _, b := range l.batches {
			switch {
			case b.h.last() < start:
			case b.h.leaderEpoch <= epoch:
				low, known = max(low, b.h.last()+1), known || b.h.leaderEpoch == epoch
			default:
				high, newer = min(high, b.h.base), true
			}
		}
		got := log.EndOffsetFor(epoch)
		if known && !newer && got.Epoch == epoch && got.EndOffset == end {
			continue
		}
		if known && (got.Epoch != epoch || got.EndOffset < low || got.EndOffset > high) {
			return fmt.Errorf("epoch %d ends at %+v, want %d to %d", epoch, got, low, high)
		}
	}
	return nil
}

// checkTimes asks for the offsets of timestamps.
func (l *modelLog) checkTimes(log *Log, start, end int64, timestamps []int64) error {
	for _, ts := range timestamps {
		want := int64(-1)
		for _, b := range l.batches {
			for i, t := range b.times {
				if o := b.h.base + int64(i); want < 0 && t >= ts && o >= start && o < end {
					want = o
				}
			}
		}
		found, ok, err := log.OffsetForTimestamp(ts, end)
		segments := *log.segments.Load()
		first := slices.IndexFunc(segments, func(s *segment) bool { return s.maxTime >= ts })
		if !ok && err == nil && first >= 0 && segments[first].base < start {
			continue // Apache Kafka looks in the first segment that has the time, even if the log starts behind it
		}
		if err != nil || ok != (want >= 0) || ok && found.Offset != want {
			return fmt.Errorf("timestamp %d is at %+v (%v, %w), want offset %d", ts, found, ok, err, want)
		}
	}
	return nil
}

// fits says whether got are the batches that lie, wholly or in part, within start and end.
func fits(got [][]byte, batches []sentBatch, start, end int64) bool {
	i := 0
	for _, b := range batches {
		if b.h.last() < start || b.h.last() >= end {
			continue
		}
		if i == len(got) || !bytes.Equal(got[i], b.raw) {
			return false
		}
		i++
	}
	return i == len(got)
}

func rangesOf(batches []sentBatch) (text string) {
	for _, b := range batches {
		text += fmt.Sprintf("%d-%d ", b.h.base, b.h.last())
	}
	return text
}
