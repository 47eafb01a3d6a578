package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	scanBufferBytes = 256 << 10
	// maxLoadedBatch is the largest batch that import and verification take into memory as a whole. A header may claim 2 GiB, and a
	// sparse file costs nobody anything; Apache Kafka takes requests of 100 MiB unless it is told otherwise.
	maxLoadedBatch = 256 << 20
)

// scanner walks over the batches of a segment.
type scanner struct {
	f   vfs.File
	pos int64 // of the next batch
	end int64 // of what may be read
	// chunk is how much is read at once; 0 means scanBufferBytes.
	chunk int64

	buf   []byte
	start int64 // position of buf[0]
}

func newScanner(f vfs.File, pos, end int64) *scanner { return &scanner{f: f, pos: pos, end: end} }

// errBadBatch is returned by next where no whole valid batch stands.
var errBadBatch = errors.New("no valid record batch")

// next reads the header of the batch at pos and moves behind it; the end is io.EOF.
func (s *scanner) next() (h header, at int64, err error) {
	at = s.pos
	if at >= s.end {
		return h, at, io.EOF
	}
	b, err := s.window(at, batchHeaderBytes)
	if err != nil {
		return h, at, err
	}
	h, ok := parseHeader(b)
	if !ok || h.size > s.end-at {
		return h, at, errBadBatch
	}
	s.pos = at + h.size
	return h, at, nil
}

// batch returns the bytes of the batch that next has returned, valid until the next call.
func (s *scanner) batch(h *header, at int64) ([]byte, error) { return s.window(at, h.size) }

// intact says whether the checksum of the batch that next has returned fits. It reads a large one piece by piece: what its header
// claims costs no memory.
func (s *scanner) intact(h *header, at int64) (bool, error) {
	if h.size > scanBufferBytes {
		crc, err := fileCRC(s.f, at+batchCRCFrom, h.size-batchCRCFrom)
		return crc == h.crc, err
	}
	b, err := s.batch(h, at)
	return err == nil && h.checkCRC(b), err
}

// window returns n bytes at pos.
func (s *scanner) window(pos, n int64) ([]byte, error) {
	if n > s.end-pos {
		return nil, errBadBatch
	}
	if pos >= s.start && pos+n <= s.start+int64(len(s.buf)) {
		return s.buf[pos-s.start:][:n], nil
	}
	want := min(max(n, cmp.Or(s.chunk, scanBufferBytes)), s.end-pos)
	if int64(cap(s.buf)) < want {
		s.buf = make([]byte, want)
	}
	s.buf, s.start = s.buf[:want], pos
	if err := readFull(s.f, s.buf, pos); err != nil {
		s.buf = s.buf[:0]
		return nil, err
	}
	return s.buf[:n], nil
}

// readFull fills p; a short file is io.ErrUnexpectedEOF.
func readFull(f io.ReaderAt, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("read %d bytes at %d: %w", len(p), off, io.ErrUnexpectedEOF)
	}
	return err
}

// nextHeader reads the header at pos without asking whether the whole batch is there.
func (s *scanner) nextHeader() (h header, at int64, err error) {
	b, err := s.window(s.pos, batchHeaderBytes)
	if err != nil {
		return h, s.pos, err
	}
	h, ok := parseHeader(b)
	if !ok {
		return h, s.pos, errBadBatch
	}
	return h, s.pos, nil
}

// openSized opens a file for reading, and says how large it is.
func openSized(fsys vfs.FS, name string) (f vfs.File, size int64, err error) {
	f, err = fsys.Open(name, vfs.ReadOnly)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size, nil
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func closedError(closed bool) error {
	if closed {
		return fmt.Errorf("segment: %w", fs.ErrClosed)
	}
	return nil
}
