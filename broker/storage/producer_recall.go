package storage

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"time"
)

// A snapshot tells of the last batch of each producer alone (as Apache Kafka's does), and a producer may have had five in flight
// when the broker stopped. A retry of an earlier one has to be known as a duplicate: refused as a gap it makes the client begin
// a new epoch and send again what is stored.
const (
	// recallAge is how long a producer's batches are looked for: who has written nothing for longer retries nothing.
	recallAge = time.Hour
	// recallFirst bytes before the snapshot are read at first, more where they do not suffice, recallMost at most.
	recallFirst = 256 << 10
	recallMost  = 16 << 20
)

// recall adds to the state of a snapshot the batches before the producers' last ones. What is not found in the last recallMost
// bytes before the snapshot is not known, as in Apache Kafka.
func (l *Log) recall(snapshot int64, now time.Time) error {
	wanted := map[int64]*producer{}
	for id, p := range l.producers.byID {
		last := p.lastBatch()
		if last != nil && now.UnixMilli()-p.lastTimestamp < recallAge.Milliseconds() {
			wanted[id] = p
		}
	}
	for window := int64(recallFirst); len(wanted) > 0; window *= 4 {
		found, whole, err := l.recallWithin(snapshot, window, wanted)
		if err != nil {
			return fmt.Errorf("recall the producers of %s before offset %d: %w", l.path, snapshot, err)
		}
		final := whole || window >= recallMost
		for id, p := range wanted {
			f := found[id]
			likelyFirst := p.lastBatch().baseSequence() == 0 // or the numbers have wrapped
			if f != nil && (final || likelyFirst || f.count == rememberedBatches) {
				p.recalled(f)
			}
			if likelyFirst || f != nil && f.count == rememberedBatches {
				delete(wanted, id)
			}
		}
		if final {
			return nil
		}
	}
	return nil
}

// recalled takes over the batches that lead up to the last one without a gap.
func (p *producer) recalled(f *producer) {
	last := f.lastBatch()
	if last.lastSequence != p.lastBatch().lastSequence || last.lastOffset != p.lastBatch().lastOffset {
		return
	}
	first := f.count - 1
	for first > 0 && addSequence(f.batches[first-1].lastSequence, 1) == f.batches[first].baseSequence() {
		first--
	}
	p.count = copy(p.batches[:], f.batches[first:f.count])
}

// recallWithin reads the batches of producers from some bytes before an offset up to it. whole says that this is all there is.
func (l *Log) recallWithin(upTo, window int64, wanted map[int64]*producer) (found map[int64]*producer, whole bool, err error) {
	segments := *l.segments.Load()
	i := find(segments, upTo-1)
	if i < 0 {
		return nil, true, nil
	}
	pos, err := segments[i].position(upTo)
	for err == nil && pos < window && i > 0 {
		window -= pos
		i--
		pos = segments[i].size.Load()
	}
	if err != nil {
		return nil, false, err
	}
	whole = pos < window
	if pos, err = segments[i].positionBefore(pos - window); err != nil {
		return nil, false, err
	}
	found = map[int64]*producer{}
	for ; i < len(segments) && segments[i].base < upTo; i++ {
		if err := segments[i].recall(pos, upTo, wanted, found); err != nil {
			return nil, false, err
		}
		pos = 0
	}
	return found, whole, nil
}

// recall reads a segment's batches of the wanted producers' epochs.
func (s *segment) recall(pos, upTo int64, wanted, found map[int64]*producer) error {
	file, err := s.file()
	if err != nil {
		return err
	}
	scan := newScanner(file, pos, s.size.Load())
	for {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) || err == nil && h.base >= upTo {
			return nil
		}
		if err != nil {
			return fmt.Errorf("segment %s at position %d: %w", s.name(logSuffix), at, err)
		}
		p := wanted[h.producerID]
		if p == nil || h.producerEpoch != p.epoch || h.control() {
			continue
		}
		f := found[h.producerID]
		if f == nil {
			f = &producer{}
			found[h.producerID] = f
		}
		f.remember(producerBatch{h.lastSequence(), h.last(), h.lastDelta, h.maxTimestamp})
	}
}

// positionBefore is the last position at or below pos where the index knows a batch to begin.
func (s *segment) positionBefore(pos int64) (int64, error) {
	var failed error
	at := func(i int) int64 {
		e, err := s.offsets.at(i)
		if err != nil {
			failed = err
			return 0
		}
		return int64(i32(e[4:]))
	}
	n := sort.Search(s.offsets.entries(), func(i int) bool { return at(i) > pos })
	if n == 0 || failed != nil {
		return 0, failed
	}
	entry, err := s.offsets.at(n - 1)
	if err != nil {
		return 0, err
	}
	return s.prove(entry)
}
