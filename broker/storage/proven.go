package storage

import (
	"errors"
	"fmt"
	"io"
)

// What an index says is only as good as its file: where no side-car tells of it, an entry that was damaged and still rises looks like
// any other. What would not show it when it reads on from there looks at the entry's batch first.

// provenPosition is position by an entry that is of a whole batch.
func (s *segment) provenPosition(offset int64) (int64, error) {
	entry, _, ok, err := s.offsets.floor(min(offset-s.base, maxRelativeOffset))
	if err != nil || !ok {
		return 0, err
	}
	return s.prove(entry)
}

// proveLast proves the last entry where no side-car tells of it: what lies behind its batch says where the log ends.
func (s *segment) proveLast() error {
	n := s.offsets.entries()
	if s.guards != nil || n == 0 {
		return nil
	}
	entry, err := s.offsets.at(n - 1)
	if err == nil {
		_, err = s.prove(entry)
	}
	return err
}

// prove returns the position of an entry, where a whole batch has to stand that ends at its offset.
func (s *segment) prove(entry []byte) (position int64, err error) {
	last, position := s.base+int64(i32(entry)), int64(i32(entry[4:]))
	h, whole, err := s.batchAt(position)
	if err == nil && (!whole || h.last() != last) {
		err = s.misled(position, last)
	}
	return position, err
}

// proveLastTime proves the last entry of the .timeindex: it says how old the segment is.
func (s *segment) proveLastTime() error {
	n := s.times.entries()
	if n == 0 {
		return nil
	}
	entry, err := s.times.at(n - 1)
	if err != nil {
		return err
	}
	return s.proveTime(entry)
}

// proveTime checks that the batch at the offset of a time entry has its timestamp as its largest one.
func (s *segment) proveTime(entry []byte) error {
	timestamp, offset := i64(entry), s.base+int64(i32(entry[8:]))
	pos, err := s.provenPosition(offset)
	if err != nil {
		return err
	}
	f, err := s.file()
	if err != nil {
		return err
	}
	_, h, there, err := seek(f, pos, s.size.Load(), offset)
	if err == nil && (!there || h.base > offset || h.maxTimestamp != timestamp) {
		err = fmt.Errorf("index %s: %w: it has timestamp %d for offset %d", s.times.name, ErrCorrupt, timestamp, offset)
	}
	return s.times.noteDamage(err)
}

// batchAt reads the header of the batch at a position; whole says that there is one, and that its checksum fits.
func (s *segment) batchAt(position int64) (h header, whole bool, err error) {
	f, err := s.file()
	if err != nil || position < 0 {
		return h, false, err
	}
	scan := newScanner(f, position, s.size.Load())
	scan.chunk = batchHeaderBytes // a start reads no more of each log than it has to
	h, at, err := scan.next()
	if err == nil {
		whole, err = scan.intact(&h, at)
	}
	if errors.Is(err, errBadBatch) || errors.Is(err, io.EOF) {
		err = nil
	}
	return h, whole, err
}
