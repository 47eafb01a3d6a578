package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// readSlackBytes is what a read takes beyond what is asked for, since the index is sparse.
const readSlackBytes = 8 << 10

// readAttempts is how often a read begins anew when segments were removed or cut under it.
const readAttempts = 10

// Read returns whole batches as they stand on disk, the first of which contains offset or is the next one behind it. Only
// batches whose last offset is below upTo are returned, of maxBytes in all; with minOne the first one is returned even if it
// is larger. Nothing to return is no error. The data stands in dst where its capacity allows. Readers do not wait for appends,
// nor for each other.
//
// OFFSET_OUT_OF_RANGE: offset is below StartOffset or above EndOffset. KAFKA_STORAGE_ERROR: the disk failed.
func (l *Log) Read(offset int64, maxBytes int, upTo int64, minOne bool, dst []byte) (data []byte, err error) {
	err = l.steadily(offset, func(end int64) error {
		data, err = l.read(offset, int64(maxBytes), min(upTo, end), minOne, dst)
		return err
	})
	return data, err
}

// ReadWithAborted is Read, and lists the aborted transactions that have records in what it returns, in the order of their markers:
// what a read-committed consumer has to leave out. Both are of the same segments: a compaction between them would take from the list
// what it has taken from the log.
func (l *Log) ReadWithAborted(offset int64, maxBytes int, upTo int64, minOne bool, dst []byte) (data []byte, aborted []AbortedTransaction, err error) {
	err = l.steadily(offset, func(end int64) error {
		data, err = l.read(offset, int64(maxBytes), min(upTo, end), minOne, dst)
		if err == nil {
			aborted, err = l.abortedWithin(data)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return data, aborted, nil
}

// steadily runs a read from an offset on, of a log with an end, again where segments were removed or cut under it. Retention raises the
// start of the log before it removes any.
func (l *Log) steadily(offset int64, run func(end int64) error) error {
	for attempt := 1; ; attempt++ {
		cuts, err := l.awaitCut()
		if err != nil {
			return err
		}
		end := l.end.Load()
		if start := l.start.Load(); offset < start || offset > end {
			return wire.Errorf(wire.OffsetOutOfRange, "read of %s-%d: offset %d is not within %d and %d", l.topic, l.partition, offset, start, end)
		}
		err = run(end)
		if l.cuts.Load() == cuts && offset >= l.start.Load() && !errors.Is(err, fs.ErrClosed) {
			return l.readFailed(err)
		}
		if attempt == readAttempts {
			return wire.Errorf(wire.UnknownTopicOrPartition, "read of %s-%d: the log is gone", l.topic, l.partition)
		}
	}
}

// awaitCut waits for a truncation that is at work, and counts cuts. KAFKA_STORAGE_ERROR: it is not at work, but waits itself.
func (l *Log) awaitCut() (cuts uint64, err error) {
	if cuts = l.cuts.Load(); cuts&1 == 0 {
		return cuts, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cuts.Load(), l.refusePaused()
}

// readFailed turns an error of the disk into Kafka's.
func (l *Log) readFailed(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrCorrupt) {
		l.d.files.cache.refused(err)
	}
	l.mendDamaged()
	l.d.failedRead(l.path, err)
	return wire.Errorf(wire.KafkaStorageError, "read of %s: %w", l.path, err)
}

func (l *Log) read(offset, maxBytes, upTo int64, minOne bool, dst []byte) ([]byte, error) {
	if offset >= upTo {
		return dst[:0], nil
	}
	segments := *l.segments.Load()
	for i := max(find(segments, offset), 0); i < len(segments); i++ {
		data, more, err := segments[i].read(offset, maxBytes, upTo, minOne, dst)
		if err != nil || !more {
			return data, err
		}
	}
	return dst[:0], nil
}

// read returns what Read promises of one segment; more says that the segment has nothing at or behind the offset.
func (s *segment) read(offset, maxBytes, upTo int64, minOne bool, dst []byte) (data []byte, more bool, err error) {
	size := s.size.Load()
	pos, err := s.position(offset)
	if err != nil {
		return nil, false, err
	}
	f, err := s.file()
	if err != nil {
		return nil, false, err
	}
	// One read brings, in most cases, the batches before the offset and all that is asked for.
	dst, err = fill(f, dst, min(maxBytes+readSlackBytes, size-pos), pos)
	if err != nil {
		return nil, false, err
	}
	data = dst
	skip, first, ok := skipTo(data, offset)
	at := pos + skip
	if ok && skip == 0 {
		if err := s.reached(&first, pos, offset); err != nil {
			return nil, false, err
		}
	}
	if !ok {
		at, first, ok, err = seek(f, at, size, offset)
		if errors.Is(err, errBadBatch) && skip == 0 && pos > 0 {
			err = s.misled(pos, offset)
		}
		if err != nil || !ok {
			return dst[:0], err == nil, err
		}
	}
	if first.last() >= upTo || (first.size > maxBytes && !minOne) {
		return dst[:0], false, nil
	}
	want := max(maxBytes, first.size)
	if at-pos+first.size <= int64(len(data)) {
		data = data[at-pos:]
	} else if data, err = fill(f, dst, min(want, size-at), at); err != nil {
		return nil, false, err
	}
	return data[:whole(data, want, upTo)], false, nil
}

// fill reads n bytes at pos into dst, which it replaces where it is too small.
func fill(f vfs.File, dst []byte, n, pos int64) ([]byte, error) {
	if int64(cap(dst)) < n {
		dst = make([]byte, n)
	}
	dst = dst[:max(n, 0)]
	if n <= 0 {
		return dst, nil
	}
	return dst, readFull(f, dst, pos)
}

// skipTo walks over the batches that end before offset. It returns how many bytes they have, and the header of the next one;
// ok is false where that is not within b.
func skipTo(b []byte, offset int64) (skip int64, first header, ok bool) {
	for int64(len(b)) >= skip+batchHeaderBytes {
		h, ok := parseHeader(b[skip:])
		if !ok {
			return skip, h, false
		}
		if h.last() >= offset {
			return skip, h, true
		}
		skip += h.size
	}
	return skip, first, false
}

// seek looks for the first batch that ends at or behind offset, header by header.
func seek(f vfs.File, pos, size, offset int64) (at int64, first header, ok bool, err error) {
	s := newScanner(f, pos, size)
	for {
		h, at, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return at, h, false, nil
		case err != nil:
			return at, h, false, fmt.Errorf("at position %d: %w", at, err)
		case h.last() >= offset:
			return at, h, true, nil
		}
	}
}

// whole is how many bytes of b are whole batches below upTo, of at most maxBytes.
func whole(b []byte, maxBytes, upTo int64) (n int64) {
	for int64(len(b)) >= n+batchHeaderBytes {
		h, ok := parseHeader(b[n:])
		if !ok || n+h.size > min(maxBytes, int64(len(b))) || h.last() >= upTo {
			break
		}
		n += h.size
	}
	return n
}
