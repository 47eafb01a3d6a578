package storage

import (
	"errors"
	"fmt"
	"path"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// openSums reads a segment's side-car and sets the guards of its files. durable says that the files are wholly below the
// recovery point, or that the stop was clean: then they are exactly what the side-car tells of.
//
// ErrCorrupt: the .log or the .txnindex are not. An index that is not is built anew.
func (l *Log) openSums(s *segment, files map[string]vfs.Info, in loading, durable bool) error {
	r, err := readSums(s.files.FS, s.name(sumsSuffix), s.base, func(x *sums) bool { return in.clean || x.end <= in.recoveryPoint })
	if err != nil {
		return err
	}
	if !r.damaged {
		s.sideCar.onDisk, s.sideCar.bytes = r.last, r.bytes
	}
	c := r.chosen
	if durable && (r.damaged || c != r.last || c == nil || !c.complete) {
		c = nil
	}
	// Sections that are not chosen may be of what a crash or a truncation has cut: they must not stay behind what comes there now.
	s.sideCar.cut = r.damaged || c != r.last
	l.countSums(s, r, durable && c == nil)
	if c == nil {
		return nil
	}
	size, want := s.size.Load(), c.files[sumLog].size
	if size < want || durable && size != want {
		return fmt.Errorf("load %s: %w: it has %d bytes, and had %d", s.name(logSuffix), ErrCorrupt, size, want)
	}
	if err := s.checkTxnBytes(files[path.Base(s.txns.name)].Size, c.files[sumTxn].size, durable); err != nil {
		return err
	}
	sum := c.files[sumLog].clone()
	s.sum = &sum
	s.guards = newGuards(c.clone(), s.reloadSums, l.damaged)
	s.offsets.guards, s.times.guards, s.txns.guards = s.guards, s.guards, s.guards
	if durable {
		sum := c.files[sumTxn].clone()
		s.txns.sum = &sum
	}
	for _, x := range []*index{s.offsets, s.times} {
		size, want := files[path.Base(x.name)].Size, c.files[x.kind()].size
		if size < want || durable && size != want {
			s.distrust = true
			continue
		}
		if durable {
			sum := c.files[x.kind()].clone()
			x.sum = &sum
		}
	}
	if durable {
		s.maxTime = c.maxTime
	}
	return nil
}

// checkTxnBytes compares the size of the .txnindex. What it holds is verified when it is read.
func (s *segment) checkTxnBytes(size, want int64, durable bool) error {
	if size < want || durable && size != want {
		return fmt.Errorf("load %s: %w: it has %d bytes, and had %d", s.txns.name, ErrCorrupt, size, want)
	}
	return nil
}

// reloadSums reads the checksums of a segment's files again, which openSums has found to be good.
func (s *segment) reloadSums() (*sums, error) {
	r, err := readSums(s.files.FS, s.name(sumsSuffix), s.base, func(x *sums) bool { return x.complete })
	return r.chosen, err
}

// countSums takes note of a side-car that is not there or not valid.
func (l *Log) countSums(s *segment, r sumsFile, uncovered bool) {
	if uncovered && s.size.Load() > 0 {
		l.d.scrub.uncovered.Add(1)
	}
	if r.damaged {
		l.d.cfg.Logger.Warn("a damaged side-car: it is made anew", "file", s.name(sumsSuffix))
	}
}

// damaged takes note of damage in a file of a segment.
func (l *Log) damaged(err error) {
	l.d.scrub.damaged.Add(1)
	l.d.cfg.Logger.Error("damage in a segment: reads of it fail", "log", l.path, "error", err)
}

// sumRecovered sets the checksums of a segment that recovery has verified up to its end.
func (s *segment) sumRecovered(f vfs.File) error {
	if err := errors.Join(s.offsets.resum(), s.times.resum(), s.txns.resum()); err != nil {
		return err
	}
	if s.sum == nil {
		s.sum = &fileSum{}
	}
	return s.sum.addFrom(f, s.size.Load())
}

// restoreSums sets the checksums of a segment that had ended and is about to be cut.
func (s *segment) restoreSums() error {
	if s.sum != nil {
		return nil
	}
	r, err := readSums(s.files.FS, s.name(sumsSuffix), s.base, func(x *sums) bool { return x.complete })
	if err != nil || r.chosen == nil || r.chosen != r.last {
		return err
	}
	c := r.chosen
	log, offsets, times, txns := c.files[sumLog].clone(), c.files[sumOffsets].clone(), c.files[sumTimes].clone(), c.files[sumTxn].clone()
	if log.size != s.size.Load() || offsets.size != s.offsets.fileSize() || times.size != s.times.fileSize() || txns.size != s.txns.fileSize() {
		return nil
	}
	s.sum, s.offsets.sum, s.times.sum, s.txns.sum = &log, &offsets, &times, &txns
	s.sideCar.onDisk, s.sideCar.bytes = r.last, r.bytes
	return nil
}

// rebuilt leaves a segment that has ended, and one of whose indexes had to be built anew, as a checkpoint would.
func (l *Log) rebuilt(s *segment, end int64) error {
	l.d.cfg.Logger.Warn("built an index anew", "segment", s.name(logSuffix))
	if err := s.endIndexes(); err != nil {
		return err
	}
	if err := s.sync(true); err != nil {
		return err
	}
	if now := s.sums(end, true); now != nil {
		if err := s.writeSums(now, true); err != nil {
			return err
		}
	}
	s.settleSums()
	return vfs.SyncDir(s.files.FS, s.dir)
}
