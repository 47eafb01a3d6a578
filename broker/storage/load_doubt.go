package storage

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// recover makes the segments whole: it verifies what is not known to be durable, cuts it at the first batch that is not as it
// was written, and rebuilds the indexes from there on. Segments behind a cut go; the journal has what they held.
func (l *Log) recover(segments []*segment, files map[string]vfs.Info, in loading) ([]*segment, error) {
	first := firstInDoubt(segments, in)
	if in.clean {
		in.recoveryPoint, in.indexPoint, in.durable.end = math.MaxInt64, math.MaxInt64, math.MaxInt64
	}
	next := int64(-1)
	for i, s := range segments {
		switch {
		case missingIndex(segments[i:i+1], files):
			if err := s.resetIndexes(); err != nil {
				return nil, fmt.Errorf("recover %s: %w", s.name(logSuffix), err)
			}
		case i < first || in.clean:
			continue
		}
		s.data.change() // what is read now may not be on disk
		end, lost, err := l.recoverSegment(s, in, next)
		if err != nil {
			return nil, fmt.Errorf("recover %s: %w", s.name(logSuffix), err)
		}
		next = end
		if i+1 == len(segments) {
			continue
		}
		if i < first {
			if err := l.rebuilt(s, segments[i+1].base); err != nil {
				return nil, fmt.Errorf("recover %s: %w", s.name(logSuffix), err)
			}
			continue
		}
		// A gap behind what is durable may be a loss, and where segments overlap a truncation was not durable. Either way the
		// journal has what comes next. Compaction leaves gaps.
		following := segments[i+1].base
		if gap := !in.gaps && following > end && following > max(in.durable.end, in.cleaned); !lost && !gap && following >= end {
			if err := s.endIndexes(); err != nil {
				return nil, fmt.Errorf("recover %s: %w", s.name(logSuffix), err)
			}
			continue
		}
		if following < in.durable.end {
			return nil, fmt.Errorf("recover %s: %w: its end was durable and is damaged", s.name(logSuffix), ErrCorrupt)
		}
		l.d.cfg.Logger.Info("segments behind a loss go: the journal has what was durable of them", "log", l.path, "end", end, "from", following, "segments", len(segments)-i-1)
		for _, later := range segments[i+1:] {
			if err := l.d.removeSegment(later, l.cfg.FileDeleteDelay); err != nil {
				return nil, err
			}
		}
		return segments[:i+1], nil
	}
	return segments, nil
}

// recoverSegment verifies a segment from the last index entry below the index point on. next is the offset at which it has to
// start at the earliest. It returns the offset behind the last whole batch, and whether something behind it was cut off.
func (l *Log) recoverSegment(s *segment, in loading, next int64) (end int64, lost bool, err error) {
	f, err := s.file()
	if err != nil {
		return 0, false, err
	}
	pos, err := s.trustIndexes(in)
	if errors.Is(err, ErrCorrupt) {
		if err = s.resetIndexes(); err == nil {
			pos, err = s.trustIndexes(in)
		}
	}
	if err != nil {
		return 0, false, err
	}
	end, lost, markers, err := l.verifySegment(s, f, pos, in, next)
	if err == nil && markers {
		err = l.retellTxns(s, end, in)
	}
	if err != nil {
		return 0, false, err
	}
	if err := s.flushIndexes(); err != nil {
		return 0, false, err
	}
	return end, lost, s.sumRecovered(f)
}

// verifySegment is the part of recoverSegment that reads the batches from a position on. markers says that there are markers of which no
// side-car tells.
func (l *Log) verifySegment(s *segment, f vfs.File, pos int64, in loading, next int64) (end int64, lost, markers bool, err error) {
	size := s.size.Load()
	scan := newScanner(f, pos, size)
	end = max(s.base, next)
	if pos > 0 {
		end = s.base
	}
	for {
		h, at, err := l.nextValid(scan, s, end)
		if errors.Is(err, io.EOF) {
			return end, false, markers, nil
		}
		if errors.Is(err, errBadBatch) {
			if end < in.durable.end || in.durable.holds(s.base, at) {
				return 0, false, false, fmt.Errorf("%w: the batch at position %d was durable and is damaged", ErrCorrupt, at)
			}
			l.d.cfg.Logger.Info("cutting a segment behind its last whole batch", "segment", s.name(logSuffix), "size", at, "cut", size-at)
			return end, true, markers, s.cutFile(f, at)
		}
		if err != nil {
			return 0, false, false, err
		}
		s.note(&h, at, l.cfg.IndexIntervalBytes)
		if latest, ok := l.epochs.latest(); h.last() >= l.start.Load() && (!ok || h.leaderEpoch > latest) {
			l.epochs.assign(h.leaderEpoch, h.base)
		}
		end = h.last() + 1
		markers = markers || h.control() && h.base >= s.told()
	}
}

// endIndexes writes the indexes of a segment that gets no more batches.
func (s *segment) endIndexes() error {
	s.noteTime()
	return s.flushIndexes()
}

// nextValid reads a batch and verifies it: its checksum, and that its offsets go on.
func (l *Log) nextValid(scan *scanner, s *segment, end int64) (header, int64, error) {
	h, at, err := scan.next()
	if err != nil {
		return h, at, err
	}
	intact, err := scan.intact(&h, at)
	if err != nil {
		return h, at, err
	}
	if !intact || h.base < end || h.last()-s.base > maxRelativeOffset {
		return h, at, errBadBatch
	}
	return h, at, nil
}

// trustIndexes cuts the indexes to the entries of batches below the index point that are as they were written, as far as a side-car
// tells, and returns the position of the last one's batch.
func (s *segment) trustIndexes(in loading) (pos int64, err error) {
	size := s.size.Load()
	n, err := s.offsets.validPrefix(func(e []byte) bool {
		return s.base+int64(i32(e)) < in.indexPoint && i32(e) >= 0 && int64(i32(e[4:])) < size && i32(e[4:]) > 0
	})
	n = min(n, s.offsets.covered())
	if err == nil {
		err = s.offsets.truncate(n)
	}
	if err != nil {
		return 0, err
	}
	last := int64(-1)
	if n > 0 {
		e, err := s.offsets.at(n - 1)
		if err != nil {
			return 0, err
		}
		last, pos = int64(i32(e)), int64(i32(e[4:]))
	}
	n, err = s.times.validPrefix(func(e []byte) bool { return int64(i32(e[8:])) <= last && i32(e[8:]) >= 0 && i64(e) >= 0 })
	n = min(n, s.times.covered())
	if err == nil {
		err = s.times.truncate(n)
	}
	if err != nil {
		return 0, err
	}
	s.maxTime, s.maxTimeAt, s.sinceIndex = -1, s.base, 0
	if n > 0 {
		e, err := s.times.at(n - 1)
		if err != nil {
			return 0, err
		}
		s.maxTime, s.maxTimeAt = i64(e), s.base+int64(i32(e[8:]))
	}
	return pos, s.trustTxns(in)
}

// trustTxns cuts the .txnindex to the transactions that ended below the recovery point, as far as a side-car tells of them.
func (s *segment) trustTxns(in loading) error {
	info, err := vfs.Stat(s.files.FS, s.txns.name)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := s.txns.validPrefix(func(e []byte) bool { return i64(e[18:]) < in.recoveryPoint && i64(e[18:]) >= s.base })
	if err != nil {
		return err
	}
	n = min(n, s.txns.covered())
	if in.clean && s.guards != nil && n < s.txns.flushed {
		return fmt.Errorf("load %s: %w: entry %d is none", s.txns.name, ErrCorrupt, n)
	}
	if info.Size != int64(n)*txnEntryBytes {
		s.txns.flushed = n + 1 // with what is behind, whole or not
	}
	if err := s.txns.truncate(n); err != nil {
		return err
	}
	return s.txns.doubt()
}
