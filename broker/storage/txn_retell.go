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
	state, err := l.producersBelow(in.snapshots(), from)
	if err == nil {
		err = s.eachBatch(from, math.MaxInt64, func(h *header, b []byte) error {
			if t := state.take(h, b); t != nil {
				return l.addAborted(s, t)
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("make the transaction index %s anew: %w", s.txns.name, err)
	}
	return nil
}

// producersAt reads the producers as of an offset, for what an index of transactions has to tell from there on.
func (l *Log) producersAt(offset int64) (*producers, error) { return l.producersBelow(offset, offset) }

// producersBelow is producersAt with no snapshot that is above one offset, and the batches from it up to another.
func (l *Log) producersBelow(known, upTo int64) (*producers, error) {
	state, from, err := l.snapshotBelow(min(known, upTo))
	if err != nil {
		return nil, err
	}
	return state, l.eachBatch(from, upTo, func(h *header, b []byte) error {
		state.take(h, b)
		return nil
	})
}

// snapshotBelow reads the newest valid snapshot at or below an offset; where there is none the state is empty, as of the first segment.
func (l *Log) snapshotBelow(offset int64) (state *producers, at int64, err error) {
	all, err := l.snapshots()
	if err != nil {
		return nil, 0, err
	}
	first := (*l.segments.Load())[0].base
	for n := len(all); n > 0 && all[n-1] >= first; n-- {
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
	return newProducers(), first, nil
}
