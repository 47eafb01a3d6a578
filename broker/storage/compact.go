package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
)

// compaction is what a log knows of its own compaction.
type compaction struct {
	// turn is held by a round of compaction, and by who must not meet one: a truncation, retention, the end of the log. It comes
	// before all other locks.
	turn sync.Mutex
	// waiting counts who wants the turn at once; cancel ends the round under way.
	waiting atomic.Int32
	cancel  atomic.Pointer[context.CancelFunc]
	// moves are under way: no round begins. A copy of which a part was made before a round would have values whose tombstones went.
	moves atomic.Int32

	// The rest belongs to the log's lock.

	// cleaned is the first dirty offset, noCleaned if there was no round yet.
	cleaned int64
	// settled: no frame that a replay of the journal would apply has a record below. Only what is below may be compacted: a replay
	// compares batches with what the log holds, and what it finds changed it would cut.
	settled int64
	// truncations tells a checkpoint that settled went back under it.
	truncations uint64
}

// stopCompaction ends the round of compaction under way and keeps others from beginning until release is called.
func (l *Log) stopCompaction() (release func()) {
	c := &l.compaction
	c.waiting.Add(1)
	if cancel := c.cancel.Load(); cancel != nil {
		(*cancel)()
	}
	c.turn.Lock()
	c.waiting.Add(-1)
	return c.turn.Unlock
}

// beginCompaction takes the turn; ok is false where the log is busy. The context ends when the turn is wanted.
func (l *Log) beginCompaction(ctx context.Context) (round context.Context, end func(), ok bool) {
	c := &l.compaction
	if !c.turn.TryLock() {
		return nil, nil, false
	}
	if c.moves.Load() > 0 {
		c.turn.Unlock()
		return nil, nil, false
	}
	round, cancel := context.WithCancel(ctx)
	c.cancel.Store(&cancel)
	if c.waiting.Load() > 0 {
		cancel()
	}
	return round, func() {
		c.cancel.Store(nil)
		cancel()
		c.turn.Unlock()
	}, true
}

// cutTo follows a truncation of the log. The caller holds the log's lock.
func (c *compaction) cutTo(end, activeBase int64) {
	c.cleaned = min(c.cleaned, activeBase)
	c.settled = min(c.settled, end)
	c.truncations++
}

// errMapTooSmall means that a round can not even take the first batch.
var errMapTooSmall = errors.New("the memory of compaction (log.cleaner.dedupe.buffer.size) holds less than one batch")

// compactor has what one round of compaction works with.
type compactor struct {
	mapBytes   int64
	loadFactor float64
	readBytes  int64
	writeBytes int
	pace       *pace
	walker     *record.Walker
}

// round is one compaction of a log.
type round struct {
	*compactor
	log   *Log
	cfg   LogConfig
	now   int64
	dirt  dirt
	sieve *record.Sieve
	keys  *offsetMap
	// segments are those that may be compacted.
	segments []*segment
	last     map[int64]lastRecord
	// lastDirty has the last offset of each producer's data among the dirty batches that were learnt.
	lastDirty map[int64]int64
	stats     RoundStats
}

// RoundStats tells of one round of compaction.
type RoundStats struct {
	// Segments became Written ones; those that did not change are in neither.
	Segments, Written int
	// BytesRead counts what was read to learn the keys and to filter.
	BytesRead, BytesWritten    int64
	RecordsRead, RecordsKept   int64
	WithoutKey                 int64
	Utilization                float64
	FirstDirty, NextFirstDirty int64
	Took                       time.Duration
}

// compact runs one round over what is dirty, and settled. It returns the log's new first dirty offset. The caller has the turn.
func (c *compactor) compact(ctx context.Context, l *Log, d dirt, now time.Time) (RoundStats, error) {
	r := &round{compactor: c, log: l, now: now.UnixMilli(), dirt: d, sieve: record.NewSieve(c.walker)}
	r.stats.FirstDirty, r.stats.NextFirstDirty = d.from, d.from
	if err := r.begin(); err != nil {
		return r.stats, err
	}
	if err := r.learn(ctx); err != nil {
		return r.stats, err
	}
	end := r.keys.latest + 1
	if end <= d.from {
		return r.stats, fmt.Errorf("compact %s from offset %d: %w", l.path, d.from, errMapTooSmall)
	}
	r.stats.Utilization = r.keys.utilization()
	trail := newTxnTrail(r.segments[0].base, l.eachAborted)
	n := find(r.segments, end-1) + 1
	for _, g := range groups(r.segments[:n], &r.cfg, d.upTo) {
		if err := r.replace(ctx, g, trail); err != nil {
			return r.stats, err
		}
	}
	l.mu.Lock()
	l.compaction.cleaned = end
	l.mu.Unlock()
	r.stats.NextFirstDirty = end
	return r.stats, nil
}

// begin takes a view of the log.
func (r *round) begin() error {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	r.cfg = l.cfg
	all := *l.segments.Load()
	r.segments = all[:max(find(all, r.dirt.upTo-1)+1, 0)]
	r.last = l.producers.lastRecords(r.dirt.upTo)
	return nil
}

// learn reads the dirty segments and notes the newest offset of each key, until all are read or the map is full.
func (r *round) learn(ctx context.Context) error {
	r.lastDirty = map[int64]int64{}
	r.keys = newOffsetMap(r.mapBytes, r.loadFactor, r.dirt.upTo-r.dirt.from)
	trail := newTxnTrail(r.dirt.from, r.log.eachAborted)
	for i := max(find(r.segments, r.dirt.from), 0); i < len(r.segments); i++ {
		next := r.dirt.upTo
		if i+1 < len(r.segments) {
			next = r.segments[i+1].base
		}
		full, err := r.learnSegment(ctx, r.segments[i], trail)
		if err != nil || full {
			return err
		}
		r.keys.latest = max(r.keys.latest, next-1) // there may be a gap at the segment's end
	}
	return nil
}

// learnSegment notes the keys of one segment; full says that not all found room.
func (r *round) learnSegment(ctx context.Context, s *segment, trail *txnTrail) (full bool, err error) {
	pos, err := s.provenPosition(r.dirt.from)
	if err != nil {
		return false, err
	}
	err = r.scan(ctx, s, pos, func(h *header, b []byte) error {
		if h.last() < r.dirt.from {
			return nil
		}
		full, err = r.learnBatch(h, b, trail)
		if full {
			return io.EOF
		}
		return err
	})
	return full, err
}

func (r *round) learnBatch(h *header, b []byte, trail *txnTrail) (full bool, err error) {
	if h.hasProducer() && !h.control() {
		r.lastDirty[h.producerID] = h.last()
	}
	if h.control() {
		m, ok := parseMarker(b, h)
		_, _, err = trail.control(h, markerOf(m, ok))
	} else if aborted, failed := trail.data(h); failed != nil {
		err = failed
	} else if !aborted { // what was aborted supersedes nothing
		full, err = r.learnKeys(b)
	}
	if !full && err == nil {
		r.keys.latest = h.last()
	}
	return full, err
}

// learnKeys notes the keys of one batch; full says that not all found room.
func (r *round) learnKeys(b []byte) (full bool, err error) {
	err = r.sieve.Each(b, func(e record.Entry) bool {
		if e.Key != nil && e.Offset >= r.dirt.from && !r.keys.put(e.Key, e.Offset) {
			full = true
		}
		return !full
	})
	return full, err
}

func markerOf(m marker, ok bool) *marker {
	if !ok {
		return nil
	}
	return &m
}

// scan calls f for every batch of a segment from a position on, with its checksum verified. io.EOF from f ends it.
func (r *round) scan(ctx context.Context, s *segment, pos int64, f func(h *header, b []byte) error) error {
	file, err := s.file()
	if err != nil {
		return err
	}
	scan := newScanner(file, pos, s.size.Load())
	scan.chunk = r.readBytes
	for paced := pos; ; {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var b []byte
		if err == nil {
			b, err = scan.batch(&h, at)
		}
		if err == nil && !h.checkCRC(b) {
			err = ErrCorrupt
		}
		if err != nil {
			return fmt.Errorf("compact segment %s: position %d: %w", s.name(logSuffix), at, err)
		}
		if scan.pos-paced >= r.readBytes || scan.pos == scan.end {
			if err := r.pace.take(ctx, scan.pos-paced); err != nil {
				return err
			}
			r.stats.BytesRead += scan.pos - paced
			paced = scan.pos
		}
		if err := f(&h, b); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("compact segment %s: position %d: %w", s.name(logSuffix), at, err)
		}
	}
}
