package storage

import (
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// Truncate cuts the log back so that it ends at offset at the latest; a batch that reaches beyond goes as a whole, and the end
// is then behind the batch before it. Below the first segment everything goes and the log starts anew at offset. It returns when that is durable: a crash must not bring
// back what was cut, nor take records whose cut it forgets. It is for followers, and holds up their appends.
func (l *Log) Truncate(offset int64) error {
	defer l.stopCompaction()()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if offset >= l.end.Load() {
		l.epochs.truncateFromEnd(offset)
		return nil
	}
	offset, err := l.boundary(offset)
	if err != nil {
		return l.readFailed(err)
	}
	return l.truncateDurably(offset)
}

// boundary is where the log ends when it is cut at offset: behind the last batch that ends below. The journal has to name just
// this offset, since a crash leaves the files in doubt from there on.
func (l *Log) boundary(offset int64) (int64, error) {
	segments := *l.segments.Load()
	i := find(segments, offset)
	if i < 0 {
		return offset, nil
	}
	s := segments[i]
	f, err := s.file()
	if err != nil {
		return 0, err
	}
	if _, err := s.times.contents(); err != nil { // it will have to be cut, when there is no way back
		return 0, err
	}
	pos, err := s.position(offset - 1)
	if err != nil {
		return 0, err
	}
	end := s.base
	for scan := newScanner(f, pos, s.size.Load()); ; {
		h, at, err := scan.next()
		switch {
		case errors.Is(err, io.EOF):
			return end, nil
		case err != nil:
			return 0, fmt.Errorf("segment %s at position %d: %w", s.name(logSuffix), at, err)
		case at == pos && h.base >= offset && pos > 0:
			return 0, s.misled(pos, offset-1)
		case h.last() >= offset:
			return end, nil
		}
		end = h.last() + 1
	}
}

// Reset drops everything and starts the log anew at offset, durably: for a follower whose leader starts behind its end.
func (l *Log) Reset(offset int64) error {
	defer l.stopCompaction()()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.truncateDurably(max(offset, l.end.Load()+1)); err != nil {
		return err
	}
	if offset == l.end.Load() {
		return nil
	}
	return l.truncateDurably(offset)
}

// truncateDurably has no way back when its frame is on disk: what needs an open file, or space, then waits for that.
func (l *Log) truncateDurably(offset int64) error {
	f := l.frame(journal.Truncate, offset)
	if err := l.d.journal.AppendWait(&f); err != nil {
		return l.fail("truncate", err)
	}
	if err := l.truncate(offset, l.now(time.Time{})); err != nil {
		return l.fail("truncate", err)
	}
	return nil
}

// truncate cuts the files and the state, to offset, or to nothing where offset is outside of the segments.
func (l *Log) truncate(offset int64, now time.Time) (err error) {
	segments := *l.segments.Load()
	keep := find(segments, offset)
	if offset > l.end.Load() {
		keep = -1
	}
	cut := segments[keep+1:]
	kept := segments[: keep+1 : keep+1]
	l.cuts.Add(1)
	defer l.cuts.Add(1)
	if keep < 0 {
		var s *segment
		if err := l.insist(func() (err error) { s, err = createSegmentUnless(l, cut, offset, now); return err }, &l.mu); err != nil {
			return err
		}
		kept = []*segment{s}
	} else {
		end := offset
		if err := l.insist(func() (err error) { end, err = kept[keep].truncate(offset); return err }, &l.mu); err != nil {
			return err
		}
		offset = end
	}
	l.segments.Store(&kept)
	l.end.Store(offset)
	l.start.Store(min(l.start.Load(), offset))
	l.confirmed.Store(min(l.confirmed.Load(), offset))
	if keep < 0 {
		l.start.Store(offset)
		l.confirmed.Store(offset) // nothing is left that would have to be confirmed
	}
	l.recoveryPoint, l.indexPoint = min(l.recoveryPoint, offset), min(l.indexPoint, offset)
	l.compaction.cutTo(offset, kept[len(kept)-1].base)
	for _, s := range cut {
		if s.base != kept[len(kept)-1].base {
			err = errors.Join(err, l.insist(func() error { return l.d.removeSegment(s, l.cfg.FileDeleteDelay) }, &l.mu))
		}
	}
	l.entries.change() // a checkpoint may have synced the directory meanwhile
	if err != nil {
		return err
	}
	l.epochs.truncateFromEnd(offset)
	l.epochs.truncateFromStart(l.start.Load())
	known := offset
	if keep < 0 {
		known = -1 // snapshots are of what is gone
	}
	return l.insist(func() error { return l.rebuildProducers(known, now) }, &l.mu)
}

// createSegmentUnless makes the segment of a log that starts anew. A segment that is cut and has the same name goes first.
func createSegmentUnless(l *Log, cut []*segment, base int64, now time.Time) (*segment, error) {
	for _, s := range cut {
		if s.base == base {
			if err := s.close(); err != nil {
				return nil, err
			}
		}
	}
	return createSegment(l.d.files, l.path, base, now)
}

// truncate cuts a segment at the first batch that reaches to offset or beyond, and returns where the log then ends. Where it lacked
// open files it is called again.
func (s *segment) truncate(offset int64) (end int64, err error) {
	if err := s.restoreSums(); err != nil {
		return 0, err
	}
	f, err := s.file()
	if err != nil {
		return 0, err
	}
	pos, err := s.position(offset)
	if err != nil {
		return 0, err
	}
	at, first, ok, err := seek(f, pos, s.size.Load(), offset)
	if err == nil && ok && at == pos {
		err = s.reached(&first, pos, offset)
	}
	if err != nil {
		return 0, fmt.Errorf("truncate segment %s: %w", s.name(logSuffix), err)
	}
	if ok {
		if err := s.cutFile(f, at); err != nil {
			return 0, fmt.Errorf("truncate segment %s: %w", s.name(logSuffix), err)
		}
		s.reserved = 0
		s.data.change()
	}
	if err := s.trimIndexes(offset); err != nil {
		return 0, err
	}
	if end, err = s.rescan(); err != nil {
		return 0, err
	}
	s.sideCar.settled = false
	s.sideCar.cut = s.sideCar.cut || s.sum == nil // what it tells could not be taken up
	return end, s.settleTimes()
}

// cutFile shortens the .log file.
func (s *segment) cutFile(f vfs.File, size int64) error {
	if err := s.guards.cut(sumLog, f, s.name(logSuffix), size); err != nil {
		return err
	}
	before := s.size.Swap(size)
	if err := f.Truncate(size); vfs.Lacks(err) {
		s.size.Store(before)
		return err
	} else if err != nil {
		return err
	}
	s.sideCar.cut = true
	if s.sum == nil {
		return nil
	}
	err := s.sum.cut(f, size)
	if vfs.Lacks(err) { // the scrubber makes another side-car
		s.sum, err = nil, nil
	}
	return err
}

// trimIndexes drops the entries at offset and beyond.
func (s *segment) trimIndexes(offset int64) error {
	_, place, ok, err := s.offsets.floor(offset - s.base - 1)
	if err != nil {
		return err
	}
	if err := s.offsets.truncate(count(place, ok)); err != nil {
		return err
	}
	n, err := s.times.validPrefixFlushed(func(e []byte) bool { return s.base+int64(i32(e[8:])) < offset })
	if err != nil {
		return err
	}
	if err := s.times.truncate(n); err != nil {
		return err
	}
	if n, err = s.abortedBelow(offset); err != nil {
		return err
	}
	return s.txns.truncate(n)
}

func count(place int, ok bool) int {
	if !ok {
		return 0
	}
	return place + 1
}

// rescan sets what is known of a segment beyond its indexes from the batches behind the last index entry, and returns the
// offset behind the last batch.
func (s *segment) rescan() (end int64, err error) {
	f, err := s.file()
	if err != nil {
		return 0, err
	}
	s.maxTime, s.maxTimeAt, s.sinceIndex, s.firstTime = -1, s.base, 0, firstTimeUnread
	if n := s.times.entries(); n > 0 {
		e, err := s.times.at(n - 1)
		if err != nil {
			return 0, err
		}
		s.maxTime, s.maxTimeAt = i64(e), s.base+int64(i32(e[8:]))
	}
	pos := int64(0)
	if n := s.offsets.entries(); n > 0 {
		e, err := s.offsets.at(n - 1)
		if err != nil {
			return 0, err
		}
		pos = int64(i32(e[4:]))
	}
	end = s.base
	scan := newScanner(f, pos, s.size.Load())
	for {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, fmt.Errorf("segment %s at position %d: %w", s.name(logSuffix), at, err)
		}
		if pos > 0 && at == pos {
			s.sinceIndex = 0 // its entry is there
		}
		if h.maxTimestamp > s.maxTime && h.count > 0 {
			s.maxTime, s.maxTimeAt = h.maxTimestamp, h.last()
		}
		s.sinceIndex += h.size
		end = h.last() + 1
	}
}

// rebuildProducers sets the producer state from the newest snapshot at or below an offset, and the batches behind it. Snapshots
// above it go first: they tell of records that no longer exist.
func (l *Log) rebuildProducers(known int64, now time.Time) error {
	snapshots, err := l.snapshots()
	if err != nil {
		return err
	}
	return l.rebuildFrom(snapshots, known, now)
}

// rebuildFrom is rebuildProducers where the snapshots are known.
func (l *Log) rebuildFrom(snapshots []int64, known int64, now time.Time) error {
	for n := len(snapshots); n > 0 && snapshots[n-1] > known; n-- {
		if err := l.removeSnapshot(snapshots[n-1]); err != nil {
			return err
		}
		snapshots = snapshots[:n-1]
	}
	return l.loadProducers(snapshots, now)
}

func (l *Log) removeSnapshot(offset int64) error {
	name := path.Join(l.path, offsetName(offset, snapshotSuffix))
	if err := l.d.cfg.FS.Remove(name); err != nil && !isNotExist(err) {
		return fmt.Errorf("remove producer snapshot: %w", err)
	}
	kept := l.unsynced[:0]
	for _, u := range l.unsynced {
		if u != name {
			kept = append(kept, u)
		}
	}
	l.unsynced = kept
	l.notStray(offset)
	l.entries.change()
	return nil
}
