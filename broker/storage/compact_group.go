package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// replacement is the compacted segment that is written in place of a group.
type replacement struct {
	*round
	ctx   context.Context //nolint:containedctx // the replacement does not outlive the call that has it
	trail *txnTrail
	dest  *segment
	// out are batches that are not written yet; pos is where they go.
	out []byte
	pos int64
	end int64 // behind the last batch that was written
	// changed says that something is not as it was.
	changed bool
}

// replace compacts a group of neighbouring segments into one. One that is alone and loses nothing stays as it is.
func (r *round) replace(ctx context.Context, group []*segment, trail *txnTrail) (err error) {
	l := r.log
	dest, err := createCleaned(l.d.files, l.path, group[0].base, l.d.cfg.Clock())
	w := &replacement{round: r, ctx: ctx, trail: trail, dest: dest, end: dest.base, changed: len(group) > 1}
	if err != nil {
		return w.undone(err)
	}
	for _, s := range group {
		if err == nil {
			err = r.scan(ctx, s, 0, w.batch)
		}
	}
	if err == nil {
		err = w.flush()
	}
	if err != nil || !w.changed {
		return errors.Join(err, w.discard())
	}
	if err := w.seal(group[len(group)-1]); err != nil {
		return w.undone(err)
	}
	began, err := l.swap(dest.inForce(), group)
	if err != nil && !began {
		return w.undone(err)
	}
	if err != nil {
		return l.fail("swap a compacted segment into", err)
	}
	r.stats.Segments += len(group)
	r.stats.Written++
	return nil
}

// seal makes the new segment durable.
func (w *replacement) seal(newest *segment) error {
	w.dest.modTime = newest.modTime
	if err := w.dest.seal(); err != nil {
		return err
	}
	if err := w.dest.sync(true); err != nil {
		return err
	}
	if err := w.dest.writeSums(w.dest.sums(w.end, true), true); err != nil {
		return err
	}
	return w.dest.close()
}

// undone removes what was made when nothing has taken the place of anything yet. For the want of space, or of open files, a later
// round tries again.
func (w *replacement) undone(err error) error {
	if vfs.Lacks(err) {
		if failed := w.discard(); failed != nil {
			return failed // joined, it would pass for one to try again after
		}
	}
	return w.log.refuse("compact", err)
}

// discard removes the files of a segment that is not needed.
func (w *replacement) discard() error {
	errs := []error{w.dest.close()}
	for _, suffix := range segmentSuffixes {
		if err := w.dest.files.Remove(w.dest.name(suffix)); err != nil && !isNotExist(err) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return w.log.fail("remove what compaction has left in", err)
	}
	return nil
}

// batch writes what stays of a batch (Cleaner.cleanInto of Apache Kafka).
func (w *replacement) batch(h *header, b []byte) error {
	w.stats.RecordsRead += int64(h.count)
	horizon := record.Batch(b).DeleteHorizon()
	gone, spent, err := w.verdict(h, b, horizon)
	if err != nil {
		return err
	}
	lasting := w.lasting(h)
	switch {
	case gone && lasting:
		return w.empty(b)
	case gone:
		w.changed = true
		return nil
	}
	left, err := w.sieve.Sift(b, func(e record.Entry) bool { return h.control() || w.stays(e, horizon) })
	if err != nil {
		return err
	}
	w.stats.RecordsKept += int64(left.Kept)
	needsHorizon := (left.Tombstones > 0 || spent) && horizon == record.NoHorizon
	switch {
	case left.Kept == 0 && lasting:
		return w.empty(b)
	case left.Kept == 0:
		w.changed = true
		return nil
	case left.Whole() && !needsHorizon:
		return w.write(b)
	case needsHorizon:
		horizon = w.now + w.cfg.DeleteRetentionMs
	}
	w.changed = true
	at := len(w.out)
	if w.out, err = w.sieve.Write(w.out, b, horizon); err != nil {
		return err
	}
	return w.written(at)
}

// verdict says whether all records of a batch go whatever their keys: those of an aborted transaction, or a marker that is spent
// and whose time is over.
func (w *replacement) verdict(h *header, b []byte, horizon int64) (gone, spent bool, err error) {
	if !h.control() {
		gone, err = w.trail.data(h)
		return gone, false, err
	}
	m, ok := parseMarker(b, h)
	spent, abort, err := w.trail.control(h, markerOf(m, ok))
	if err == nil && abort != nil {
		err = w.addAborted(abort)
	}
	return spent && horizon != record.NoHorizon && horizon <= w.now, spent, err
}

// addAborted takes the entry of a marker that stays into the new segment.
func (w *replacement) addAborted(t *abortedTxn) error {
	err := w.dest.addAborted(t)
	if err != nil && !unopened(err) {
		return w.log.fail("compact", err)
	}
	return err
}

// lasting says whether a batch has to be there even without records: it is the last one of a producer, whose sequence or epoch it
// tells, or the last one of the round, whose offset must not be forgotten.
func (w *replacement) lasting(h *header) bool {
	if h.last()+1 == w.dirt.upTo {
		return true
	}
	last, known := w.last[h.producerID]
	switch {
	case !h.hasProducer() || !known:
		return false
	case last.offset < 0:
		return h.control() && h.producerEpoch == last.epoch
	case h.control():
		return false
	case last.offset < w.dirt.upTo:
		return h.last() == last.offset
	}
	return w.lastBelow(h, last)
}

// lastBelow is lasting for a producer whose last batch is not compacted. A crash may take that one, and then the last one below
// tells the sequence: Apache Kafka does not keep it, and refuses the producer's next batch as out of order.
func (w *replacement) lastBelow(h *header, last lastRecord) bool {
	dirty, seen := w.lastDirty[h.producerID]
	switch {
	case seen:
		return h.last() == dirty || h.last() > w.keys.latest // there the learning has ended
	case last.below >= 0:
		return h.last() == last.below
	}
	return true // it is one of these, all older than what is remembered
}

// stays says whether a record of a batch with a delete horizon is kept.
func (w *replacement) stays(e record.Entry, horizon int64) bool {
	if e.Offset > w.keys.latest {
		return true
	}
	if e.Key == nil {
		w.stats.WithoutKey++
		return false
	}
	if e.Offset < w.keys.get(e.Key) {
		return false
	}
	return !e.Tombstone || horizon == record.NoHorizon || w.now < horizon
}

// empty writes the header of a batch whose records are gone.
func (w *replacement) empty(b []byte) error {
	at := len(w.out)
	w.out = record.AppendEmpty(w.out, b)
	w.changed = w.changed || !bytes.Equal(w.out[at:], b)
	return w.written(at)
}

// write takes a batch as it is.
func (w *replacement) write(b []byte) error {
	at := len(w.out)
	w.out = append(w.out, b...)
	return w.written(at)
}

// written notes the batch that stands behind a place in out.
func (w *replacement) written(at int) error {
	h, ok := parseHeader(w.out[at:])
	if !ok || h.size != int64(len(w.out)-at) {
		return fmt.Errorf("a batch of %d bytes was not written well", len(w.out)-at)
	}
	if w.pos+int64(len(w.out)) > math.MaxInt32 {
		return fmt.Errorf("the compacted segment %s exceeds 2 GiB", w.dest.name(logSuffix))
	}
	w.end = h.last() + 1
	w.dest.note(&h, w.pos+int64(at), w.cfg.IndexIntervalBytes)
	if len(w.out) < w.writeBytes {
		return nil
	}
	return w.flush()
}

// flush writes what waits to the file.
func (w *replacement) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	size := int64(len(w.out))
	if err := w.pace.take(w.ctx, size); err != nil {
		return err
	}
	err := w.dest.reserve(size, 0)
	if err == nil {
		_, err = w.dest.f.WriteAt(w.out, w.pos)
	}
	switch {
	case vfs.Lacks(err), unopened(err):
		return err
	case err != nil:
		return w.log.fail("compact", err)
	}
	w.dest.sum.add(w.out)
	w.pos += size
	w.dest.size.Store(w.pos)
	w.stats.BytesWritten += size
	w.out = w.out[:0]
	return nil
}

// createCleaned makes the files of a segment that replaces others. Until then their names end in .cleaned.
func createCleaned(files *segmentFiles, dir string, base int64, now time.Time) (*segment, error) {
	s := newSegmentAs(files, dir, base, cleanedSuffix, now)
	return s, s.create()
}

// inForce describes a segment, whose files are durable and closed, by its final names.
func (s *segment) inForce() *segment {
	fresh := newSegment(s.files, s.dir, s.base, s.created)
	fresh.size.Store(s.size.Load())
	fresh.modTime, fresh.firstTime = s.modTime, s.firstTime
	fresh.maxTime, fresh.maxTimeAt, fresh.sinceIndex = s.maxTime, s.maxTimeAt, s.sinceIndex
	fresh.offsets.load(int64(s.offsets.entries()) * offsetEntryBytes)
	fresh.times.load(int64(s.times.entries()) * timeEntryBytes)
	fresh.txns.load(s.txns.fileSize())
	fresh.times.lastKey = s.times.last()
	fresh.sideCar.settled = true
	return fresh
}
