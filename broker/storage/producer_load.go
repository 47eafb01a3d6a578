package storage

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"path"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// snapshots lists the offsets of the log's producer snapshots, rising.
func (l *Log) snapshots() ([]int64, error) {
	entries, err := l.d.cfg.FS.List(l.path)
	if err != nil {
		return nil, fmt.Errorf("list producer snapshots: %w", err)
	}
	return snapshotsAmong(func(yield func(string) bool) {
		for _, e := range entries {
			if !yield(e.Name) {
				return
			}
		}
	}), nil
}

// snapshotsAmong finds the offsets of producer snapshots by the names of files.
func snapshotsAmong(names iter.Seq[string]) (found []int64) {
	for name := range names {
		if offset, ok := parseOffsetName(name, snapshotSuffix); ok {
			found = append(found, offset)
		}
	}
	slices.Sort(found)
	return found
}

// loadProducers sets the producer state from the newest valid one of the snapshots and the batches behind it. An invalid
// snapshot is removed.
func (l *Log) loadProducers(snapshots []int64, now time.Time) error {
	l.producers, l.snapshotAt, l.sinceSnapshot = newProducers(), -1, 0
	from := l.start.Load()
	for n := len(snapshots); n > 0 && snapshots[n-1] >= from; n-- {
		name := path.Join(l.path, offsetName(snapshots[n-1], snapshotSuffix))
		data, err := vfs.ReadFile(l.d.cfg.FS, name, maxSnapshotBytes)
		if err != nil {
			return fmt.Errorf("read producer snapshot: %w", err)
		}
		state, err := decodeProducers(data, now.UnixMilli(), l.d.cfg.ProducerIDExpiration.Milliseconds())
		if err == nil {
			l.producers, l.snapshotAt, from = state, snapshots[n-1], snapshots[n-1]
			if err := l.recall(from, now); err != nil {
				return err
			}
			break
		}
		l.d.cfg.Logger.Warn("removing a damaged producer snapshot", "file", name, "error", err)
		if err := l.removeSnapshot(snapshots[n-1]); err != nil {
			return err
		}
	}
	return l.scanProducers(from)
}

// scanProducers takes the batches from an offset on into the producer state. It adds the aborted transactions that it meets to
// the segments' indexes where these do not have them yet.
func (l *Log) scanProducers(from int64) error {
	segments := *l.segments.Load()
	for i := max(find(segments, from), 0); i < len(segments) && from < l.end.Load(); i++ {
		if err := l.scanSegment(segments[i], from); err != nil {
			return fmt.Errorf("read the producers of segment %s: %w", segments[i].name(logSuffix), err)
		}
	}
	return nil
}

func (l *Log) scanSegment(s *segment, from int64) error {
	bytes, err := s.readProducers(l.producers, from, math.MaxInt64, func(t *abortedTxn) error { return l.addMissingAborted(s, t) })
	l.sinceSnapshot += bytes
	return err
}

// readProducers takes the batches of a segment at offsets from from up to below upTo into a producer state, and returns how many bytes
// they have. It calls aborted for each transaction that ends with an abort there.
func (s *segment) readProducers(state *producers, from, upTo int64, aborted func(*abortedTxn) error) (bytes int64, err error) {
	pos, err := s.position(from)
	if err != nil {
		return 0, err
	}
	f, err := s.file()
	if err != nil {
		return 0, err
	}
	scan := newScanner(f, pos, s.size.Load())
	for {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) || err == nil && h.base >= upTo {
			return bytes, nil
		}
		if err != nil {
			return bytes, fmt.Errorf("position %d: %w", at, err)
		}
		if h.last() < from {
			continue
		}
		bytes += h.size
		if !h.hasProducer() {
			continue
		}
		var mark *marker
		if h.control() {
			b, err := scan.batch(&h, at)
			if err != nil {
				return bytes, fmt.Errorf("position %d: %w", at, err)
			}
			if m, ok := parseMarker(b, &h); ok {
				mark = &m
			}
		}
		if t := state.update(&h, mark); t != nil {
			if err := aborted(t); err != nil {
				return bytes, err
			}
		}
	}
}
