package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// DefaultFileBytes is the size of one journal file: a few seconds of a busy disk, and written with zeros in an instant.
	DefaultFileBytes = 32 << 20
	// minFileBytes leaves room for a frame behind the headers; maxFileBytes bounds what a reader loads at once.
	minFileBytes = 4 * blockBytes
	maxFileBytes = 1 << 30

	filePrefix      = "chronik.journal."
	fileHeaderBytes = 64
	headerMagic     = 0x43484a48 // CHJH
	headerVersion   = 1
)

type fileHeader struct {
	generation, salt, checkpoint uint64
	size                         int64
}

// seed starts the checksum of the file's frames.
func (h *fileHeader) seed() uint32 {
	var salt [8]byte
	binary.BigEndian.PutUint64(salt[:], h.salt)
	return crc32.Update(0, castagnoli, salt[:])
}

// encode returns one copy of the header, a block.
func (h *fileHeader) encode() []byte {
	b := make([]byte, blockBytes)
	binary.BigEndian.PutUint32(b, headerMagic)
	b[4] = headerVersion
	binary.BigEndian.PutUint32(b[8:], fileHeaderBytes)
	binary.BigEndian.PutUint64(b[16:], h.generation)
	binary.BigEndian.PutUint64(b[24:], h.salt)
	binary.BigEndian.PutUint64(b[32:], h.checkpoint)
	binary.BigEndian.PutUint64(b[40:], uint64(h.size)) //nolint:gosec // not negative
	binary.BigEndian.PutUint32(b[12:], checksum(0, b[:fileHeaderBytes]))
	return b
}

// parseHeader reads one copy.
func parseHeader(b []byte) (h fileHeader, ok bool, err error) {
	if len(b) < fileHeaderBytes || binary.BigEndian.Uint32(b) != headerMagic ||
		binary.BigEndian.Uint32(b[12:]) != checksum(0, b[:fileHeaderBytes]) {
		return h, false, nil
	}
	if b[4] != headerVersion || binary.BigEndian.Uint32(b[8:]) != fileHeaderBytes {
		return h, false, fmt.Errorf("%w: file version %d", ErrNewer, b[4])
	}
	return fileHeader{
		generation: binary.BigEndian.Uint64(b[16:]),
		salt:       binary.BigEndian.Uint64(b[24:]),
		checkpoint: binary.BigEndian.Uint64(b[32:]),
		size:       int64(binary.BigEndian.Uint64(b[40:])), //nolint:gosec // compared with the file's size
	}, true, nil
}

// newestHeader returns the valid copy with the higher generation.
func newestHeader(b []byte) (h fileHeader, ok bool, err error) {
	for off := 0; off < firstFrame && off < len(b); off += blockBytes {
		copied, valid, err := parseHeader(b[off:])
		if err != nil {
			return h, false, err
		}
		if valid && (!ok || copied.generation > h.generation) {
			h, ok = copied, true
		}
	}
	return h, ok, nil
}

// file is one journal file that is open for writing.
type file struct {
	f       vfs.File
	name    string
	header  fileHeader
	pos     int64  // where the next commit goes
	lastLSN uint64 // of the last frame in it; 0 when empty
}

// number reads the number from a journal file's name.
func number(name string) (n uint64, ok bool) {
	digits, found := strings.CutPrefix(name, filePrefix)
	if !found || len(digits) != 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return n, err == nil
}

func fileName(dir string, n uint64) string {
	return path.Join(dir, fmt.Sprintf("%s%08d", filePrefix, n))
}

// prepare gives a file a new generation: what it held no longer exists. One copy of the header is durable before the other is
// written: a crash between leaves the old frames valid, or the checkpoint that made them superfluous, never neither.
func (f *file) prepare(generation, checkpoint uint64, size int64) error {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails, crypto/rand
	f.header = fileHeader{generation: generation, salt: binary.BigEndian.Uint64(salt[:]), checkpoint: checkpoint, size: size}
	f.pos, f.lastLSN = firstFrame, 0
	header := f.header.encode()
	for off := int64(0); off < firstFrame; off += blockBytes {
		if _, err := f.f.WriteAt(header, off); err != nil {
			return fmt.Errorf("prepare journal file %s: %w", f.name, err)
		}
		if err := f.f.Sync(); err != nil {
			return fmt.Errorf("prepare journal file %s: %w", f.name, err)
		}
	}
	return nil
}

// create makes a file of zeros under a temporary name, prepares it, and gives it its name.
func create(fsys vfs.FS, dir string, n, generation, checkpoint uint64, size int64) (_ *file, err error) {
	name := fileName(dir, n)
	tmp := name + ".tmp"
	handle, err := fsys.Open(tmp, vfs.Create)
	if err != nil {
		return nil, fmt.Errorf("create journal file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, handle.Close())
			_ = fsys.Remove(tmp) // the next start removes it otherwise
		}
	}()
	f := &file{f: handle, name: name}
	if err := writeZeros(handle, size); err != nil {
		return nil, fmt.Errorf("create journal file %s: %w", name, err)
	}
	if err := f.prepare(generation, checkpoint, size); err != nil {
		return nil, err
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return nil, fmt.Errorf("create journal file: %w", err)
	}
	if err := vfs.SyncDir(fsys, dir); err != nil {
		return nil, fmt.Errorf("create journal file %s: %w", name, err)
	}
	return f, nil
}

func writeZeros(f vfs.File, size int64) error {
	zeros := make([]byte, min(size, 1<<20))
	for off := int64(0); off < size; off += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-off)], off); err != nil {
			return err
		}
	}
	return nil
}
