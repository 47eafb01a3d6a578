package storage

import (
	"fmt"
	"math"
	"path"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// told is the offset up to which the side-car that was found tells of the segment's files.
func (s *segment) told() int64 {
	if s.guards == nil {
		return s.base
	}
	return s.guards.end
}

// retellTxns makes anew the entries of a .txnindex that no side-car tells of, and that trustTxns has cut (LogSegment.recover of Apache
// Kafka). The segment ends at end. What lies behind the recovery point alone is left to the producers' load, which starts there at the
// latest.
func (l *Log) retellTxns(s *segment, end int64, in loading) error {
	from := s.told()
	if from >= min(end, in.recoveryPoint) {
		return nil
	}
	state, err := l.producersAt(from, in.snapshots())
	if err == nil {
		_, err = s.readProducers(state, from, math.MaxInt64, func(t *abortedTxn) error { return l.addAborted(s, t) })
	}
	if err != nil {
		return fmt.Errorf("make the transaction index %s anew: %w", s.txns.name, err)
	}
	return nil
}

// producersAt reads the producers as of an offset: from the newest valid snapshot at or below it, and at most at known, and the batches
// from there on. It changes nothing.
func (l *Log) producersAt(offset, known int64) (*producers, error) {
	state, from, err := l.snapshotBelow(min(offset, known))
	if err != nil {
		return nil, err
	}
	segments := *l.segments.Load()
	for i := max(find(segments, from), 0); i < len(segments) && segments[i].base < offset; i++ {
		if _, err := segments[i].readProducers(state, from, offset, func(*abortedTxn) error { return nil }); err != nil {
			return nil, fmt.Errorf("read the producers of segment %s: %w", segments[i].name(logSuffix), err)
		}
	}
	return state, nil
}

// snapshotBelow reads the newest valid snapshot at or below an offset; where there is none the state is empty, as of the log's start.
func (l *Log) snapshotBelow(offset int64) (state *producers, at int64, err error) {
	all, err := l.snapshots()
	if err != nil {
		return nil, 0, err
	}
	start := l.start.Load()
	for n := len(all); n > 0 && all[n-1] >= start; n-- {
		if all[n-1] > offset {
			continue
		}
		data, err := vfs.ReadFile(l.d.cfg.FS, path.Join(l.path, offsetName(all[n-1], snapshotSuffix)), maxSnapshotBytes)
		if err != nil && !isNotExist(err) {
			return nil, 0, fmt.Errorf("read producer snapshot: %w", err)
		}
		if state, err := decodeProducers(data, 0, math.MaxInt64); err == nil {
			return state, all[n-1], nil
		}
	}
	return newProducers(), start, nil
}
