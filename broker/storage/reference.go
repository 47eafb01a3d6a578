package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// DefaultReferenceBytes is how much of a log has to wait for the disk at once to go round the journal: below it, one sync for
	// many logs in the journal is cheaper than the segments' own (BenchmarkReferences).
	DefaultReferenceBytes = 256 << 10

	// crowdedReferences times as much waits for the disk where producers send faster than it takes, rather than wait for answers.
	crowdedReferences = 8

	referencePayloadBytes = 32
	crcChunkBytes         = 256 << 10
)

// reference says where in its log a batch is durable that the journal does not hold; docs/formats.md.
type reference struct {
	base, last        int64
	size              uint32
	crc               uint32 // of the whole batch as it stands in the segment
	segment, position int64
}

func (r *reference) payload() []byte {
	b := make([]byte, 0, referencePayloadBytes)
	b = binary.BigEndian.AppendUint64(b, uint64(r.last)) //nolint:gosec // bits
	b = binary.BigEndian.AppendUint32(b, r.size)
	b = binary.BigEndian.AppendUint32(b, r.crc)
	b = binary.BigEndian.AppendUint64(b, uint64(r.segment))     //nolint:gosec // bits
	return binary.BigEndian.AppendUint64(b, uint64(r.position)) //nolint:gosec // bits
}

func parseReference(f *journal.Frame) (reference, error) {
	b := f.Payload
	if len(b) != referencePayloadBytes {
		return reference{}, fmt.Errorf("%w: a reference of %d bytes", journal.ErrCorrupt, len(b))
	}
	r := reference{
		base: f.BaseOffset, last: i64(b), size: binary.BigEndian.Uint32(b[8:]), crc: binary.BigEndian.Uint32(b[12:]),
		segment: i64(b[16:]), position: i64(b[24:]),
	}
	if r.base < 0 || r.last < r.base || r.size < batchHeaderBytes || r.segment < 0 || r.segment > r.base || r.position < 0 ||
		r.position > math.MaxInt32 {
		return r, fmt.Errorf("%w: a reference from offset %d to %d, %d bytes at %d of segment %d", journal.ErrCorrupt, r.base, r.last, r.size, r.position, r.segment)
	}
	return r, nil
}

// goesRound says whether a batch goes round the journal: one that does not fit into it, and where confirmations wait for the disk
// anyway a large one, or one of many of its log while much is waiting: one sync of their segment serves them all, and they are
// written once. The caller holds the lock.
func (l *Log) goesRound(h *header, waiting int64) bool {
	if h.size > l.d.journal.MaxPayload() {
		return true
	}
	if l.d.cfg.FlushPolicy != journal.FlushAcks {
		return false
	}
	from := l.d.cfg.ReferenceBytes
	return h.size >= from || waiting/crowdedReferences >= from && l.waitingWith(h) >= from
}

// waitingWith is about how many bytes of the log wait for their confirmation together with a batch, if they are as it is.
func (l *Log) waitingWith(h *header) int64 {
	return (h.last() + 1 - l.confirmed.Load()) * h.size / (h.last() + 1 - h.base)
}

// refer turns the frame of a batch, which is the last one of the active segment, into a reference. Its sources are all that has
// to be durable for a recovery to find the batch where it stands, and everything of the log before it: the log up to here does
// not need the journal then. The caller holds the lock.
func (l *Log) refer(f *journal.Frame, batch []byte, h *header) {
	s := l.active()
	r := reference{
		base: h.base, last: h.last(), size: uint32(len(batch)), crc: crc32.Checksum(batch, castagnoli), //nolint:gosec // a segment is smaller
		segment: s.base, position: s.size.Load() - h.size,
	}
	f.Type, f.Payload, f.Referenced = journal.Reference, r.payload(), h.size
	f.Sources = []journal.Source{l.d.list, l.identity, l.entries}
	segments := *l.segments.Load()
	for _, s := range segments[max(find(segments, l.recoveryPoint-1), 0):] {
		f.Sources = append(f.Sources, s.data)
	}
}

// settle waits until no frame of the log waits for its segment any more: before files are closed or renamed. The caller holds the
// lock.
func (l *Log) settle() {
	if l.d.journal != nil {
		l.d.journal.Settle(&l.order)
	}
}

// durable is what references tell of a log: when the frame at lsn was written, all of the log up to end, which is at position of
// segment, was durable in the log's own files, and so was what had been cut or removed. Without a reference lsn is 0, and end is
// what was durable before the first frame. The zero value says nothing.
type durable struct {
	lsn               uint64
	end               int64
	segment, position int64
}

// cut takes a later truncation into account.
func (d *durable) cut(c cut) {
	if c.offset < d.end || c.reset {
		d.end, d.segment, d.position = min(c.offset, d.end), 0, 0
	}
	if c.reset {
		d.end = 0
	}
}

// holds says whether a position in a segment was durable.
func (d *durable) holds(segment, position int64) bool {
	return segment < d.segment || segment == d.segment && position < d.position
}

// replayDurable takes a frame from before the log's last reference: the files have what it says of records. Cutting or writing
// them again would take what came later, and what the journal does not hold.
func (l *Log) replayDurable(f *journal.Frame, p *past) error {
	switch f.Type {
	case journal.Reference:
		return l.replayReference(f, p)
	case journal.Append:
		return l.verifyDurable(f, p)
	case journal.LogStart:
		offset := f.BaseOffset
		for _, c := range p.cuts {
			if c.lsn > f.LSN && (c.reset || c.offset < offset) {
				offset = c.offset
			}
		}
		l.setStart(max(l.start.Load(), min(offset, l.end.Load())))
	case journal.EpochStart:
		if !p.takesBack(f.LSN, f.BaseOffset) {
			l.epochs.restore(f.LeaderEpoch, f.BaseOffset)
			l.epochs.truncateFromStart(l.start.Load())
		}
	default:
	}
	return nil
}

// verifyDurable compares a batch that the journal holds with the log's own file.
func (l *Log) verifyDurable(f *journal.Frame, p *past) error {
	h, ok := parseHeader(f.Payload)
	if !ok || h.size != int64(len(f.Payload)) || h.base != f.BaseOffset {
		return fmt.Errorf("%w: no record batch", journal.ErrCorrupt)
	}
	if h.last() < max((*l.segments.Load())[0].base, l.recoveryPoint) || p.takesBack(f.LSN, h.base) {
		return nil // retention or compaction may have taken it, or a truncation has
	}
	same, err := l.holds(&h, f.Payload)
	if err == nil && !same {
		err = fmt.Errorf("%w: %s had another batch of offsets %d to %d", ErrCorrupt, l.path, h.base, h.last())
	}
	return err
}

// replayReference looks for a batch that was durable before the frame was written. Where it is missing, it was cut or deleted
// later.
func (l *Log) replayReference(f *journal.Frame, p *past) error {
	r, err := parseReference(f)
	if err != nil {
		return err
	}
	if r.last < (*l.segments.Load())[0].base || p.takesBack(f.LSN, r.base) {
		return nil // retention has taken it, or a truncation
	}
	there, err := l.refersTo(&r)
	switch {
	case err != nil || there:
		return err
	case r.last < l.recoveryPoint:
		return nil // durable without the journal, and compaction may have taken it
	}
	return fmt.Errorf("%w: %s had a batch of offsets %d to %d at position %d of segment %d", ErrCorrupt, l.path, r.base, r.last, r.position, r.segment)
}

// refersTo says whether the segment holds just what a reference tells of.
func (l *Log) refersTo(r *reference) (bool, error) {
	segments := *l.segments.Load()
	i := find(segments, r.base)
	if i < 0 || segments[i].base != r.segment || segments[i].size.Load() < r.position+int64(r.size) {
		return false, nil
	}
	f, err := segments[i].file()
	if err != nil {
		return false, err
	}
	var b [batchHeaderBytes]byte
	if err := readFull(f, b[:], r.position); err != nil {
		return false, err
	}
	h, ok := parseHeader(b[:])
	if !ok || h.base != r.base || h.last() != r.last || h.size != int64(r.size) {
		return false, nil
	}
	crc, err := fileCRC(f, r.position, h.size)
	return crc == r.crc, err
}

// fileCRC is the CRC-32C of a part of a file.
func fileCRC(f vfs.File, pos, size int64) (uint32, error) {
	h := crc32.New(castagnoli)
	n, err := io.CopyBuffer(h, io.NewSectionReader(f, pos, size), make([]byte, min(size, crcChunkBytes)))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("read %d bytes at %d", size, pos), err)
	}
	return h.Sum32(), nil
}
