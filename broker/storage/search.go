package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// OffsetForTimestamp returns the first record below upTo whose timestamp is ts or later; ok is false if there is none.
func (l *Log) OffsetForTimestamp(ts, upTo int64) (found TimestampOffset, ok bool, err error) {
	return l.search(func() (TimestampOffset, bool, error) {
		for _, s := range l.summaries() {
			if s.maxTime < ts {
				continue
			}
			return s.segment.firstSince(l.d.walker, ts, max(l.start.Load(), s.segment.base), upTo)
		}
		return TimestampOffset{}, false, nil
	})
}

// MaxTimestamp returns the first record below upTo that has the largest timestamp of the segments that are there; ok is false if
// there is none. As in Apache Kafka that may be a record which DeleteRecords has put before the log's start, or one without a time.
func (l *Log) MaxTimestamp(upTo int64) (found TimestampOffset, ok bool, err error) {
	return l.search(func() (TimestampOffset, bool, error) {
		var largest summary
		for _, s := range l.summaries() {
			if largest.segment == nil || s.maxTime > largest.maxTime {
				largest = s
			}
		}
		if largest.segment == nil {
			return TimestampOffset{}, false, nil
		}
		return largest.segment.firstSince(l.d.walker, largest.maxTime, largest.segment.base, upTo)
	})
}

// summary is what a search needs of a segment, taken under the lock.
type summary struct {
	segment *segment
	maxTime int64
}

func (l *Log) summaries() []summary {
	l.mu.Lock()
	defer l.mu.Unlock()
	segments := *l.segments.Load()
	list := make([]summary, len(segments))
	for i, s := range segments {
		list[i] = summary{s, s.maxTime}
	}
	return list
}

// search runs a search, again where segments were removed or cut under it.
func (l *Log) search(run func() (TimestampOffset, bool, error)) (found TimestampOffset, ok bool, err error) {
	for range readAttempts {
		var cuts uint64
		if cuts, err = l.awaitCut(); err != nil {
			return found, false, err
		}
		found, ok, err = run()
		if l.cuts.Load() == cuts && !errors.Is(err, fs.ErrClosed) {
			return found, ok, l.readFailed(err)
		}
	}
	return found, false, wire.Errorf(wire.UnknownTopicOrPartition, "search in %s-%d: the log is gone", l.topic, l.partition)
}

// firstSince looks in one segment for the first record of [from, upTo) with a timestamp of ts or later.
func (s *segment) firstSince(walker *record.Walker, ts, from, upTo int64) (found TimestampOffset, ok bool, err error) {
	at := from
	entry, _, ok, err := s.times.floor(ts - 1)
	if err != nil {
		return found, false, err
	}
	if ok && s.base+int64(i32(entry[8:])) > at {
		if err := s.proveTime(entry); err != nil {
			return found, false, err
		}
		at = s.base + int64(i32(entry[8:]))
	}
	pos, err := s.position(at)
	if err != nil {
		return found, false, err
	}
	f, err := s.file()
	if err != nil {
		return found, false, err
	}
	scan := newScanner(f, pos, s.size.Load())
	for {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return found, false, nil
		}
		if err != nil {
			return found, false, fmt.Errorf("segment %s at position %d: %w", s.name(logSuffix), at, err)
		}
		if h.maxTimestamp < ts || h.last() < from {
			continue
		}
		batch, err := scan.batch(&h, at)
		if err != nil {
			return found, false, err
		}
		found, ok, err = firstRecordSince(walker, batch, &h, ts, from)
		if err != nil {
			return found, false, fmt.Errorf("segment %s at position %d: %w", s.name(logSuffix), at, err)
		}
		if ok {
			return found, found.Offset < upTo, nil
		}
	}
}
