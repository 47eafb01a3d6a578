package storage

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// sideCar is what is known of a segment's side-car. Only flushes of the log change it.
type sideCar struct {
	// onDisk is what the file tells; nil if nothing. bytes is how long its valid part is.
	onDisk *sums
	bytes  int
	// cut says that the .log was cut since: what the file tells of it must not come back, nor be believed. It belongs to the log's
	// lock.
	cut bool
	// settled says that the segment has ended and a flush has made it durable since: the side-car, where there is one, tells of all of
	// it. It belongs to the log's lock.
	settled bool
}

// sums are the checksums of the segment's files as they stand, when the indexes are flushed; nil if they are not known. No
// record is at end or behind it.
func (s *segment) sums(end int64, complete bool) *sums {
	if s.sum == nil || s.offsets.sum == nil || s.times.sum == nil || s.txns.sum == nil {
		return nil
	}
	now := &sums{base: s.base, end: end, maxTime: s.maxTime, complete: complete}
	now.files[sumLog], now.files[sumOffsets], now.files[sumTimes] = s.sum.clone(), s.offsets.sum.clone(), s.times.sum.clone()
	now.files[sumTxn] = s.txns.sum.clone()
	return now
}

// settleSums gives the memory back that the checksums of a segment hold that has ended and is durable.
func (s *segment) settleSums() {
	s.sum, s.offsets.sum, s.times.sum, s.txns.sum, s.sideCar = nil, nil, nil, nil, sideCar{settled: true}
	if s.guards != nil {
		s.guards.unload()
	}
}

// noteSums takes the checksums of the segments as they stand. The caller holds the lock.
func (l *Log) noteSums(f *flushing) {
	for i, s := range f.segments {
		end, complete := f.end, l.closed
		if i+1 < len(f.segments) {
			end, complete = f.segments[i+1].base, true
		}
		if i+1 == len(f.segments) && !f.indexes { // they are not as the files are
			f.sums, f.cutSums = append(f.sums, nil), append(f.cutSums, false)
			continue
		}
		now := s.sums(end, complete)
		f.sums = append(f.sums, now)
		// A complete one of a segment that has grown since, with checksums that are not known, would tell of another one.
		f.cutSums = append(f.cutSums, s.sideCar.cut || complete && now == nil && !s.sideCar.settled)
	}
}

// settleSums forgets the checksums of the segments that have ended. No side-car tells of what was cut any more. The caller holds the
// lock.
func (f *flushing) settleSums() {
	for i, s := range f.segments {
		if f.cutSums[i] {
			s.sideCar.cut = false
		}
		if i+1 < len(f.segments) {
			s.settleSums()
		}
	}
}

// flushSums brings the side-car up to date, durably where the segment has ended or was cut. Where the checksums are not known,
// what the side-car told before a cut has to go.
func (s *segment) flushSums(now *sums, cut bool) error {
	if cut {
		s.sideCar.onDisk, s.sideCar.bytes = nil, 0 // sections of what was cut must not be chosen by a later recovery
	}
	switch {
	case now != nil:
		return s.writeSums(now, now.complete || cut)
	case cut:
		return s.removeSums()
	default:
		return nil
	}
}

// writeSums brings the side-car up to date; the files that it tells of are durable. A full disk costs the side-car, not the
// directory: then the segment has none.
func (s *segment) writeSums(now *sums, sync bool) error {
	err := s.putSums(now, sync)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return s.removeSums()
	}
	if err != nil {
		return fmt.Errorf("write side-car %s: %w", s.name(sumsSuffix), err)
	}
	return nil
}

func (s *segment) putSums(now *sums, sync bool) error {
	if now.told(s.sideCar.onDisk) {
		return nil
	}
	section, whole := now.section(s.sideCar.onDisk), now.section(nil)
	if now.complete || s.sideCar.bytes == 0 || s.sideCar.bytes+len(section) > len(whole)+sumsSlackBytes {
		if err := replaceWhole(s.files.FS, s.name(sumsSuffix), whole, sync); err != nil {
			return err
		}
		s.sideCar.onDisk, s.sideCar.bytes = now, len(whole)
		return nil
	}
	if err := appendSection(s.files.FS, s.name(sumsSuffix), section, int64(s.sideCar.bytes), sync); err != nil {
		return err
	}
	s.sideCar.onDisk = now
	s.sideCar.bytes += len(section)
	return nil
}

// replaceWhole is vfs.ReplaceFile that leaves the directory's sync to the flush.
func replaceWhole(fsys vfs.FS, name string, data []byte, sync bool) error {
	tmp := name + ".tmp"
	if err := appendSection(fsys, tmp, data, 0, sync); err != nil {
		return err
	}
	return fsys.Rename(tmp, name)
}

// appendSection writes at a position, behind which nothing stays.
func appendSection(fsys vfs.FS, name string, data []byte, at int64, sync bool) (err error) {
	f, err := fsys.Open(name, vfs.Create)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(at); err != nil {
		return err
	}
	if _, err := f.WriteAt(data, at); err != nil || !sync {
		return err
	}
	return f.Sync()
}

func (s *segment) removeSums() error {
	s.sideCar.onDisk, s.sideCar.bytes = nil, 0
	if err := s.files.Remove(s.name(sumsSuffix)); err != nil && !isNotExist(err) {
		return fmt.Errorf("remove side-car: %w", err)
	}
	return nil
}
