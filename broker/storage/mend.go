package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// mendQueue is how many segments may wait for their indexes. One that finds no room is asked for again by the next read.
	mendQueue = 64
	// tmpSuffix ends the names of files that are not complete; a start removes them.
	tmpSuffix = ".tmp"
	// mendBackoff is the first pause after a try that has failed.
	mendBackoff = time.Second
)

// mending is a segment whose indexes are to be built anew.
type mending struct {
	log     *Log
	segment *segment
}

// mendState is what a segment knows of how its damaged indexes are built anew.
type mendState struct {
	mu sync.Mutex
	// asked says that this waits for its turn or is under way, hopeless that its batches are damaged as well.
	asked, hopeless bool
	backoff         backoff
}

// ask says whether it is to be done now. left says that it is done at some time.
func (m *mendState) ask(now time.Time) (due, left bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	due = !m.asked && !m.hopeless && m.backoff.due(now)
	m.asked = m.asked || due
	return due, !m.hopeless
}

// turnedAway takes back that it was asked for.
func (m *mendState) turnedAway() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = false
}

// failed notes a try that has failed, and for what to log it: the first one is news.
func (m *mendState) failed(err error, now time.Time) slog.Level {
	m.mu.Lock()
	defer m.mu.Unlock()
	level := slog.LevelError
	if !m.backoff.next.IsZero() && !errors.Is(err, ErrCorrupt) {
		level = slog.LevelDebug
	}
	m.asked, m.hopeless = false, errors.Is(err, ErrCorrupt)
	m.backoff.failed(now, mendBackoff)
	return level
}

// errStopped ends what the directory does in the background.
var errStopped = errors.New("the directory is closed")

// mendIndexes asks for the indexes of a segment to be built anew, once, or again when a pause is over; false where they can not be.
func (l *Log) mendIndexes(s *segment) bool {
	due, left := s.mend.ask(l.d.cfg.Clock())
	if !due {
		return left
	}
	select {
	case l.d.unmended <- mending{l, s}:
	default:
		s.mend.turnedAway()
	}
	return true
}

// mendDamaged asks for the segments of which a read has found an index to be damaged; false if there is none that can be mended.
func (l *Log) mendDamaged() (asked bool) {
	for _, s := range *l.segments.Load() {
		if (s.offsets.damaged.Load() || s.times.damaged.Load()) && l.mendIndexes(s) {
			asked = true
		}
	}
	return asked
}

// mend is the goroutine that builds damaged indexes anew while reads of their segments fail.
func (d *Directory) mend() {
	defer d.ended.Done()
	for {
		select {
		case m := <-d.unmended:
			d.mendOne(m)
		case <-d.journal.Failed():
			return
		case <-d.stop:
			return
		}
	}
}

func (d *Directory) mendOne(m mending) {
	logger := d.cfg.Logger.With("segment", m.segment.name(logSuffix))
	switch done, err := m.log.rebuildIndexes(m.segment); {
	case err == nil && !done: // it is not there any more
	case err == nil:
		d.scrub.rebuilt.Add(1)
		logger.Warn("built the indexes of a segment anew: reads go on")
	case errors.Is(err, errStopped), d.Err() != nil:
	default:
		_ = d.lacks(err) // a full disk gives its reserve up; it is tried again after a pause in any case
		level := m.segment.mend.failed(err, d.cfg.Clock())
		logger.Log(context.Background(), level, "the indexes of a segment can not be built anew: reads of it fail", "error", err)
	}
}

// rebuildIndexes puts a segment with new indexes, made of its batches, in the place of one. The active one ends first. Nothing else
// removes or cuts segments meanwhile; appends go on, and readers that had the old one look again. A crash leaves each of the files
// old or new: one that does not fit to the side-car is built anew again. done is false where the segment is not the log's any more.
func (l *Log) rebuildIndexes(s *segment) (done bool, err error) {
	defer l.stopCompaction()()
	if there, err := l.endSegment(s); err != nil || !there {
		return false, err
	}
	l.lockFlushing()
	defer l.flushing.Unlock()
	dir, err := l.d.cfg.FS.Open(l.path, vfs.ReadOnly) // what follows the first rename opens no other file
	if err != nil {
		return false, err
	}
	sideCar, err := s.completeSums()
	if err != nil {
		return false, errors.Join(err, dir.Close())
	}
	fresh, err := l.buildIndexes(s, sideCar)
	if err != nil {
		return false, errors.Join(err, dir.Close())
	}
	err = l.takeIndexes(s, fresh, sideCar == nil)
	if err == nil {
		err = dir.Sync()
	}
	if err = errors.Join(err, dir.Close()); err != nil {
		return false, l.fail("replace an index of", err)
	}
	return true, nil
}

// endSegment makes a segment one that has ended and is durable; there is false where it is not the log's any more.
func (l *Log) endSegment(s *segment) (there bool, err error) {
	if err := l.rollFrom(s); err != nil {
		return false, err
	}
	if _, ok := l.settled(s); ok {
		return true, nil
	}
	if err := l.Sync(); err != nil && !vfs.Lacks(err) {
		return false, l.fail("flush", err)
	} else if err != nil {
		return false, err
	}
	_, ok := l.settled(s)
	return ok, nil
}

// rollFrom ends a segment if it is the active one.
func (l *Log) rollFrom(s *segment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil || l.active() != s {
		return err
	}
	if err := l.roll(l.end.Load(), l.d.cfg.Clock()); err != nil {
		return l.refuse("roll a segment of", err)
	}
	return nil
}

// buildIndexes makes new indexes, and the side-car that has their checksums, durable under temporary names. It verifies every batch.
// Where there is no side-car it makes a new .txnindex, too, and the scrubber makes a side-car.
func (l *Log) buildIndexes(s *segment, sideCar *sums) (_ *segment, err error) {
	made := newSegmentAs(s.files, s.dir, s.base, tmpSuffix, s.created)
	defer func() {
		if err = errors.Join(err, made.close()); err != nil {
			err = errors.Join(err, made.removeTemporary())
		}
	}()
	if err := errors.Join(made.resetIndexes(), made.resetTxns()); err != nil {
		return nil, err
	}
	var state *producers
	if sideCar == nil {
		if state, err = l.producersAt(s.base); err != nil {
			return nil, err
		}
	}
	if err := l.noteAll(s, made, state); err != nil {
		return nil, err
	}
	if err := made.endIndexes(); err != nil {
		return nil, err
	}
	for _, sync := range []func() error{made.offsets.sync, made.times.sync, made.txns.sync} {
		if err := sync(); err != nil {
			return nil, err
		}
	}
	made.modTime = s.modTime
	return made, made.writeNewSums(sideCar)
}

// noteAbort takes a batch into a producer state, and the transaction that ends with an abort there into the .txnindex. A nil state knows
// nothing.
func (s *segment) noteAbort(state *producers, scan *scanner, h *header, at int64) (err error) {
	if state == nil {
		return nil
	}
	var b []byte
	if h.control() {
		if b, err = scan.batch(h, at); err != nil {
			return err
		}
	}
	if t := state.take(h, b); t != nil {
		return s.addAborted(t)
	}
	return nil
}

// noteAll takes the batches of a segment into the indexes of another one, and, where the producers are known as of where it begins, into
// its .txnindex.
func (l *Log) noteAll(s, made *segment, state *producers) error {
	interval, end := l.Config().IndexIntervalBytes, s.base
	f := s.guards.wrap(sumLog, s.f, s.f.name) // though reads of it may be refused
	for scan := newScanner(f, 0, s.size.Load()); ; {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		intact := false
		if err == nil {
			intact, err = scan.intact(&h, at)
		}
		if err == nil && (!intact || h.base < end) {
			err = errBadBatch
		}
		if errors.Is(err, errBadBatch) {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if err != nil {
			return fmt.Errorf("read segment %s at position %d: %w", s.name(logSuffix), at, err)
		}
		made.note(&h, at, interval)
		if err := made.noteAbort(state, scan, &h, at); err != nil {
			return err
		}
		made.size.Store(at + h.size)
		end = h.last() + 1
		select {
		case <-l.d.stop:
			return errStopped
		default:
		}
	}
}

// completeSums is what the side-car of a segment that has ended tells; nil if there is none that is valid.
func (s *segment) completeSums() (*sums, error) {
	r, err := readSums(s.files.FS, s.name(sumsSuffix), s.base, func(x *sums) bool { return x.complete })
	if err != nil || r.chosen != r.last || r.damaged {
		return nil, err
	}
	return r.chosen, nil
}

// writeNewSums writes the side-car of a segment with other indexes, if it had one.
func (s *segment) writeNewSums(sideCar *sums) error {
	if sideCar == nil {
		return nil
	}
	sideCar.files[sumOffsets], sideCar.files[sumTimes] = *s.offsets.sum, *s.times.sum
	return appendSection(s.files.FS, s.name(sumsSuffix), sideCar.section(nil), 0, true)
}

// removeTemporary removes files that were not needed.
func (s *segment) removeTemporary() error {
	for _, suffix := range segmentSuffixes {
		if err := removeIfThere(s.files, s.name(suffix)); err != nil {
			return err
		}
	}
	return nil
}

// takeIndexes gives new indexes their names, and puts a segment that has them in the place of the old one. retold says whether there is
// a new .txnindex.
func (l *Log) takeIndexes(old, made *segment, retold bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	segments := slices.Clone(*l.segments.Load())
	at := slices.Index(segments, old)
	if at < 0 {
		return fmt.Errorf("the segment from offset %d on is not there any more", old.base)
	}
	l.cuts.Add(1)
	defer l.cuts.Add(1)
	segments[at] = made.inForce()
	if !retold { // the file stays
		segments[at].txns.load(old.txns.fileSize())
		segments[at].txns.guards = old.txns.guards
	} else if made.txns.fileSize() == 0 {
		if err := removeIfThere(l.d.cfg.FS, old.name(txnSuffix)); err != nil {
			return err
		}
	}
	if err := l.putInForce(segments[at], tmpSuffix, segmentSuffixes[1:]); err != nil {
		return err
	}
	l.segments.Store(&segments)
	return old.close()
}
