package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// ErrOldFormat is wrapped by the error about a batch in one of the formats from before record batches v2, which Apache Kafka 4
// reads and no longer writes.
var ErrOldFormat = errors.New("a record batch of an old format")

// ForeignLog is what a log was found to hold.
type ForeignLog struct {
	Start, End              int64
	Segments                int
	Bytes, Batches, Records int64
	// Cut is how many bytes behind the last whole batch are left out.
	Cut int64
	// LatestEpoch is the newest leader epoch, -1 for none.
	LatestEpoch int32
	// MaxProducerID is the largest producer id, -1 for none.
	MaxProducerID int64
	Open          []OpenTransaction
}

// OpenTransaction is a transaction that has no marker.
type OpenTransaction struct{ ProducerID, FirstOffset int64 }

// Check reads the whole log and verifies it: checksums, and that offsets rise. ErrCorrupt: something is damaged that a recovery
// would not cut off. ErrOldFormat: it has batches that are not of format 2.
func (f *Foreign) Check(ctx context.Context) (*ForeignLog, error) { return f.walk(ctx, nil) }

// sink gets the segments of a log that is walked over.
type sink interface {
	begin(base, size int64) error
	batch(b []byte, h *header) error
	aborted(t *abortedTxn) error
	end() error
	finish(w *foreignWalk) error
}

// foreignWalk is one pass over a log.
type foreignWalk struct {
	*Foreign
	ctx       context.Context
	to        sink
	found     ForeignLog
	end       int64
	epochs    *epochs
	producers *producers
}

func (f *Foreign) walk(ctx context.Context, to sink) (*ForeignLog, error) {
	w := &foreignWalk{Foreign: f, ctx: ctx, to: to, producers: newProducers()}
	w.found.MaxProducerID = -1
	var err error
	if w.epochs, err = ignoreUncovered(f.FS).readEpochs(f.Dir); err != nil {
		return nil, err
	}
	segments, err := f.logFiles()
	if err != nil {
		return nil, err
	}
	if err := w.all(segments); err != nil {
		return nil, err
	}
	w.conclude(segments)
	if to == nil {
		return &w.found, nil
	}
	return &w.found, to.finish(w)
}

// logFiles lists the .log files by their bases. A compaction that was interrupted at its last step has to be finished by
// Apache Kafka; what it had not yet come to is ignored, as Apache Kafka ignores it.
func (f *Foreign) logFiles() ([]vfs.Info, error) {
	entries, err := f.FS.List(f.Dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", f.Dir, err)
	}
	var segments []vfs.Info
	for _, e := range entries {
		if strings.HasSuffix(e.Name, swapSuffix) {
			return nil, fmt.Errorf("%s: a compaction was interrupted while it replaced segments; start and stop Apache Kafka once", path.Join(f.Dir, e.Name))
		}
		if _, ok := parseOffsetName(e.Name, logSuffix); ok && !e.Dir {
			segments = append(segments, e)
		}
	}
	slices.SortFunc(segments, func(a, b vfs.Info) int { return strings.Compare(a.Name, b.Name) })
	return segments, nil
}

// all walks over the segments, up to the first that is cut.
func (w *foreignWalk) all(segments []vfs.Info) error {
	for i, s := range segments {
		base, _ := parseOffsetName(s.Name, logSuffix)
		if base < w.end {
			return fmt.Errorf("%s: %w: it starts at %d, and the segment before it ends at %d", path.Join(w.Dir, s.Name), ErrCorrupt, base, w.end)
		}
		w.end = base
		lost, err := w.segment(s, base)
		if err != nil {
			return err
		}
		if !lost {
			continue
		}
		for _, later := range segments[i+1:] {
			if base, _ := parseOffsetName(later.Name, logSuffix); base < w.Flushed {
				return fmt.Errorf("%s: %w: its end was durable and is damaged", path.Join(w.Dir, s.Name), ErrCorrupt)
			}
			w.found.Cut += later.Size
		}
		return nil
	}
	return nil
}

func (w *foreignWalk) segment(s vfs.Info, base int64) (lost bool, err error) {
	f, err := w.FS.Open(path.Join(w.Dir, s.Name), vfs.ReadOnly)
	if err != nil {
		return false, fmt.Errorf("open segment: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if w.to != nil {
		if err := w.to.begin(base, s.Size); err != nil {
			return false, err
		}
	}
	w.found.Segments++
	scan := newScanner(f, 0, s.Size)
	for {
		h, b, at, err := w.next(scan, base)
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, errBadBatch) {
			if err := w.cutAt(s, at, oldFormat(scan, at)); err != nil {
				return false, err
			}
			lost = true
			break
		}
		if err == nil {
			err = w.take(b, &h)
		}
		if err != nil {
			return false, fmt.Errorf("%s at position %d: %w", path.Join(w.Dir, s.Name), at, err)
		}
	}
	if w.to != nil {
		return lost, w.to.end()
	}
	return lost, nil
}

// next reads a batch and verifies it.
func (w *foreignWalk) next(scan *scanner, base int64) (h header, b []byte, at int64, err error) {
	if err := w.ctx.Err(); err != nil {
		return h, nil, scan.pos, err
	}
	if h, at, err = scan.next(); err != nil {
		return h, nil, at, err
	}
	intact, err := scan.intact(&h, at)
	switch {
	case err != nil:
		return h, nil, at, err
	case !intact || h.base < w.end || h.last()-base > maxRelativeOffset:
		return h, nil, at, errBadBatch
	case h.size > maxLoadedBatch:
		return h, nil, at, fmt.Errorf("a record batch of %d bytes: those of up to %d are taken over", h.size, maxLoadedBatch)
	}
	b, err = scan.batch(&h, at)
	return h, b, at, err
}

// oldFormat says whether a batch of format 0 or 1 stands at a position; zeros are none.
func oldFormat(scan *scanner, at int64) bool {
	const smallest = 14 // of the size field
	b, err := scan.window(at, batchMagicAt+1)
	return err == nil && b[batchMagicAt] < batchMagic && i32(b[8:]) >= smallest
}

const batchMagicAt = 16

// cutAt decides what comes of a place where no valid batch stands: what was not flushed may be cut off there.
func (w *foreignWalk) cutAt(s vfs.Info, at int64, old bool) error {
	name := path.Join(w.Dir, s.Name)
	switch {
	case old:
		return fmt.Errorf("%s at position %d: %w: only format 2 is read", name, at, ErrOldFormat)
	case w.Clean:
		return fmt.Errorf("%s at position %d: %w: no valid record batch stands there", name, at, ErrCorrupt)
	case w.end < w.Flushed:
		return fmt.Errorf("%s at position %d: %w: the batch there was durable and is damaged", name, at, ErrCorrupt)
	}
	w.found.Cut += s.Size - at
	return nil
}

// take counts a batch and hands it on.
func (w *foreignWalk) take(b []byte, h *header) error {
	if w.to != nil {
		if err := w.to.batch(b, h); err != nil {
			return err
		}
	}
	w.end = h.last() + 1
	w.found.Bytes += h.size
	w.found.Batches++
	if !h.control() {
		w.found.Records += int64(h.count)
	}
	if latest, ok := w.epochs.latest(); h.last() >= w.Start && (!ok || h.leaderEpoch > latest) {
		w.epochs.assign(h.leaderEpoch, h.base)
	}
	if !h.hasProducer() {
		return nil
	}
	w.found.MaxProducerID = max(w.found.MaxProducerID, h.producerID)
	var mark *marker
	if m, ok := parseMarker(b, h); ok {
		mark = &m
	}
	if t := w.producers.update(h, mark); t != nil && w.to != nil {
		if err := w.to.aborted(t); err != nil {
			return err
		}
	}
	w.producers.closed = w.producers.closed[:0] // nobody asks for the last stable offset
	return nil
}

// conclude sets what is known of the log as a whole.
func (w *foreignWalk) conclude(segments []vfs.Info) {
	start := w.Start
	if len(segments) > 0 {
		first, _ := parseOffsetName(segments[0].Name, logSuffix)
		start = max(start, first)
	}
	w.found.Start, w.found.End = start, max(w.end, start)
	w.epochs.truncateFromEnd(w.found.End + 1)
	w.epochs.truncateFromStart(start)
	w.found.LatestEpoch, _ = w.epochs.latest()
	for _, id := range slices.Sorted(maps.Keys(w.producers.open)) {
		w.found.Open = append(w.found.Open, OpenTransaction{ProducerID: id, FirstOffset: w.producers.open[id]})
	}
}
