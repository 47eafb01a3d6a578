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
//
// It begins with the first segment, and not with the log's start, from which Apache Kafka takes it: a transaction that is open, and a
// producer's sequence, are the same before and after a start, and an entry of a .txnindex that is made anew is as it was.
func (l *Log) loadProducers(snapshots []int64, now time.Time) error {
	l.producers, l.snapshotAt, l.sinceSnapshot = newProducers(), -1, 0
	from := (*l.segments.Load())[0].base
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
	return s.eachBatch(from, math.MaxInt64, func(h *header, b []byte) error {
		l.sinceSnapshot += h.size
		if t := l.producers.take(h, b); t != nil {
			return l.addMissingAborted(s, t)
		}
		return nil
	})
}

// take is update of a batch as eachBatch has it.
func (s *producers) take(h *header, b []byte) (aborted *abortedTxn) {
	if !h.hasProducer() {
		return nil
	}
	var mark *marker
	if m, ok := parseMarker(b, h); ok {
		mark = &m
	}
	return s.update(h, mark)
}

// eachBatch calls yield for the batches at offsets from from up to below upTo. b is a control batch, else nil.
func (l *Log) eachBatch(from, upTo int64, yield func(h *header, b []byte) error) error {
	segments := *l.segments.Load()
	for i := max(find(segments, from), 0); i < len(segments) && segments[i].base < upTo; i++ {
		if err := segments[i].eachBatch(from, upTo, yield); err != nil {
			return fmt.Errorf("read segment %s: %w", segments[i].name(logSuffix), err)
		}
	}
	return nil
}

// eachBatch is that of the log for one segment.
func (s *segment) eachBatch(from, upTo int64, yield func(h *header, b []byte) error) error {
	pos, err := s.provenPosition(from)
	if err != nil {
		return err
	}
	f, err := s.file()
	if err != nil {
		return err
	}
	scan := newScanner(f, pos, s.size.Load())
	for {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) || err == nil && h.base >= upTo {
			return nil
		}
		var b []byte
		if err == nil && h.control() && h.last() >= from {
			b, err = scan.batch(&h, at)
		}
		if err != nil {
			return fmt.Errorf("position %d: %w", at, err)
		}
		if h.last() < from {
			continue
		}
		if err := yield(&h, b); err != nil {
			return err
		}
	}
}
