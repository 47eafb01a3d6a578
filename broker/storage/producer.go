package storage

import (
	"slices"
)

// rememberedBatches is how many batches of a producer are known for duplicates, as many as may be in flight
// (ProducerStateEntry.NUM_BATCHES_TO_RETAIN).
const rememberedBatches = 5

// producerBatch is what is remembered of a batch.
type producerBatch struct {
	lastSequence int32
	lastOffset   int64
	delta        int32
	timestamp    int64
}

func (b *producerBatch) baseSequence() int32 { return subtractSequence(b.lastSequence, b.delta) }
func (b *producerBatch) baseOffset() int64   { return b.lastOffset - int64(b.delta) }

func subtractSequence(s, n int32) int32 {
	if s < n {
		return 1<<31 - 1 - (n - s) + 1
	}
	return s - n
}

// producer is the state of one producer id.
type producer struct {
	epoch            int16
	coordinatorEpoch int32
	lastTimestamp    int64
	// txnFirst is the first offset of the open transaction; -1 if none is open.
	txnFirst int64
	// entered says that the coordinator has added this partition to the open transaction for a batch that is in it. It is not on disk:
	// false also says that this is not known.
	entered bool
	batches [rememberedBatches]producerBatch
	count   int
}

func (p *producer) lastBatch() *producerBatch {
	if p.count == 0 {
		return nil
	}
	return &p.batches[p.count-1]
}

func (p *producer) remember(b producerBatch) {
	if p.count == rememberedBatches {
		copy(p.batches[:], p.batches[1:])
		p.count--
	}
	p.batches[p.count] = b
	p.count++
}

// abortedTxn is an entry of a .txnindex.
type abortedTxn struct {
	producerID, first, last, stable int64
}

// closedTxn is a transaction whose marker may not yet be below the high watermark.
type closedTxn struct{ first, marker int64 }

// producers is the producer state of a log (ProducerStateManager). It belongs to the log's lock.
type producers struct {
	byID map[int64]*producer
	// open has the first offset of each open transaction.
	open map[int64]int64
	// closed is in no snapshot: a log is loaded with all of it confirmed, as long as its own end alone makes the high watermark.
	closed []closedTxn
}

func newProducers() *producers {
	return &producers{byID: map[int64]*producer{}, open: map[int64]int64{}}
}

// update takes an appended batch into the state. It returns the aborted transaction that a marker ends, if so.
func (s *producers) update(h *header, m *marker) (aborted *abortedTxn) {
	p := s.byID[h.producerID]
	if p == nil {
		p = &producer{epoch: -1, coordinatorEpoch: -1, txnFirst: -1, lastTimestamp: -1}
		s.byID[h.producerID] = p
	}
	if h.producerEpoch != p.epoch {
		p.epoch, p.count = h.producerEpoch, 0
	}
	p.lastTimestamp = h.maxTimestamp
	if m != nil {
		return s.end(h, p, m)
	}
	if h.control() {
		return nil // compaction has taken the marker and left its producer's epoch
	}
	p.remember(producerBatch{h.lastSequence(), h.last(), h.lastDelta, h.maxTimestamp})
	if h.transactional() && p.txnFirst < 0 {
		p.txnFirst = h.base
		s.open[h.producerID] = h.base
	}
	return nil
}

// end closes a producer's transaction.
func (s *producers) end(h *header, p *producer, m *marker) *abortedTxn {
	p.coordinatorEpoch = m.coordinatorEpoch
	if p.txnFirst < 0 {
		return nil
	}
	first := p.txnFirst
	p.txnFirst, p.entered = -1, false
	delete(s.open, h.producerID)
	s.closed = append(s.closed, closedTxn{first, h.base})
	if m.kind != markerAbort {
		return nil
	}
	stable := h.base + 1
	for _, o := range s.open {
		stable = min(stable, o)
	}
	return &abortedTxn{producerID: h.producerID, first: first, last: h.base, stable: stable}
}

// firstUnstable is the first offset of the earliest transaction that is open, or whose marker is not below the high watermark.
func (s *producers) firstUnstable(highWatermark int64) (offset int64, ok bool) {
	s.settled(highWatermark)
	offset = -1
	for _, c := range s.closed {
		if offset < 0 || c.first < offset {
			offset = c.first
		}
	}
	for _, o := range s.open {
		if offset < 0 || o < offset {
			offset = o
		}
	}
	return offset, offset >= 0
}

// settled forgets the transactions whose markers are below the high watermark.
func (s *producers) settled(highWatermark int64) {
	s.closed = slices.DeleteFunc(s.closed, func(c closedTxn) bool { return c.marker < highWatermark })
}

// expire forgets producers that were idle for so many milliseconds and have no open transaction.
func (s *producers) expire(now, after int64) {
	for id, p := range s.byID {
		if p.txnFirst < 0 && now-p.lastTimestamp >= after {
			delete(s.byID, id)
		}
	}
}
