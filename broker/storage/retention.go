package storage

import (
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// DeleteRecordsBefore raises the first offset of the log and returns when that is durable. The segments below go with the next
// Retain. The caller sees to it that offset is not above the high watermark. OFFSET_OUT_OF_RANGE: it is above the end.
func (l *Log) DeleteRecordsBefore(offset int64) error {
	outcome, err := l.StartDeleteRecords(offset)
	if err != nil {
		return err
	}
	return <-outcome
}

// StartDeleteRecords is DeleteRecordsBefore that does not wait: the channel gets the outcome, once.
func (l *Log) StartDeleteRecords(offset int64) (<-chan error, error) {
	outcome := make(chan error, 1)
	return outcome, l.raiseStart(offset, func(_ int64, err error) {
		if err != nil {
			err = wire.Errorf(wire.KafkaStorageError, "delete records of %s: %w", l.path, err)
		}
		outcome <- err
	})
}

// raiseStart moves the log start. It writes a frame even where the start is there already: retention, which does not wait, may
// have moved it just before.
func (l *Log) raiseStart(offset int64, confirmed journal.Done) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if end := l.end.Load(); offset > end {
		return wire.Errorf(wire.OffsetOutOfRange, "delete records of %s: offset %d is above the end %d", l.path, offset, end)
	}
	offset = max(offset, l.start.Load())
	f := l.frame(journal.LogStart, offset)
	if _, err := l.d.journal.Append(&f, confirmed, 0); err != nil {
		return l.fail("delete records of", err)
	}
	l.setStart(offset)
	return nil
}

func (l *Log) setStart(offset int64) {
	l.start.Store(offset)
	l.epochs.truncateFromStart(offset)
}

// Retain removes the oldest segments that retention by log start, size or time no longer keeps, and that are wholly below the
// high watermark. It returns how many went. Their files stay for file.delete.delay.ms under another name.
func (l *Log) Retain(now time.Time, highWatermark int64) (segments int, err error) {
	if !l.compaction.turn.TryLock() {
		return 0, nil // a round of compaction reads the segments: the next time will do
	}
	defer l.compaction.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return 0, err
	}
	l.producers.settled(highWatermark) // where nobody asks for the last stable offset they would become ever more
	n := l.removable(now, highWatermark)
	if n == 0 {
		return 0, nil
	}
	if n == len(*l.segments.Load()) {
		if err := l.roll(l.end.Load(), now); err != nil {
			return 0, l.refuse("roll a segment of", err)
		}
	}
	all := *l.segments.Load()
	if n == len(all)-1 { // an empty directory would look like an empty log: what stays is there durably
		if err := l.entries.Sync(); err != nil {
			return 0, l.refuse("retain", err)
		}
	}
	removed, kept := all[:n], all[n:]
	if start := kept[0].base; start > l.start.Load() {
		f := l.frame(journal.LogStart, start)
		if _, err := l.d.journal.Append(&f, nil, 0); err != nil {
			return 0, l.fail("retain", err)
		}
		l.setStart(start)
	}
	l.settle()
	l.segments.Store(&kept)
	for _, s := range removed {
		if err := l.removeOld(s); err != nil {
			return 0, l.fail("remove a segment of", err)
		}
	}
	l.entries.change()
	return n, nil
}

// removeOld removes a segment with the producer snapshot at its base.
func (l *Log) removeOld(s *segment) error {
	if err := l.d.removeSegment(s, l.cfg.FileDeleteDelay); err != nil {
		return err
	}
	return l.removeSnapshot(s.base)
}

// removable is how many of the oldest segments go.
func (l *Log) removable(now time.Time, highWatermark int64) int {
	segments := *l.segments.Load()
	excess := int64(-1)
	if l.cfg.RetentionBytes >= 0 {
		excess = l.Size() - l.cfg.RetentionBytes
	}
	n, bySize := 0, true
	for i, s := range segments {
		next, size := l.end.Load(), s.size.Load()
		if i+1 < len(segments) {
			next = segments[i+1].base
		} else if size == 0 {
			break // an empty last segment stays
		}
		bySize = bySize && !l.cfg.CompactOnly && l.cfg.RetentionBytes >= 0 && excess-size >= 0
		byTime := !l.cfg.CompactOnly && l.cfg.RetentionMs >= 0 && now.UnixMilli()-s.largestTime() > l.cfg.RetentionMs
		byStart := next <= l.start.Load() && i+1 < len(segments)
		if next > highWatermark || !byStart && !bySize && !byTime {
			break
		}
		excess -= size
		n++
	}
	return n
}

// largestTime is the segment's largest timestamp, or when its file was written last where its records have none.
func (s *segment) largestTime() int64 {
	if s.maxTime >= 0 {
		return s.maxTime
	}
	return s.modTime.UnixMilli()
}

// removeSegment takes a segment's files away: under another name at once, for good after a delay. A file for whose other name there
// is no space goes for good at once.
func (d *Directory) removeSegment(s *segment, delay time.Duration) error {
	if err := s.close(); err != nil {
		return fmt.Errorf("remove segment %s: %w", s.name(logSuffix), err)
	}
	for _, suffix := range segmentSuffixes {
		name := s.name(suffix)
		err := d.cfg.FS.Rename(name, name+deletedSuffix)
		if vfs.NoSpace(err) {
			if err = d.cfg.FS.Remove(name); err == nil {
				continue
			}
		}
		if isNotExist(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("remove segment: %w", err)
		}
		d.removeAfter(name+deletedSuffix, delay)
	}
	return nil
}
