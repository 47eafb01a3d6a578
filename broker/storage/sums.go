package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"slices"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// The side-car of a segment; docs/formats.md has its layout.
const (
	sumsMagic        = 0x43485353 // CHSS
	sumsVersion      = 1
	sumsComplete     = 1
	sumsHeaderBytes  = 104
	sumsSectionLimit = 1 << 20
	// sumBlockBytes is how much one checksum covers: what a first read has to verify at most beyond what it wants, against
	// the side-car's size, 64 KiB for a segment of 1 GiB.
	sumBlockBytes = 64 << 10
	// maxSumsBytes bounds what is read of a side-car. It is rewritten when sections have made it sumsSlackBytes larger than
	// it need be.
	maxSumsBytes   = 64 << 20
	sumsSlackBytes = 64 << 10
)

// sumKind names one of the files that a side-car covers.
type sumKind int

const (
	sumLog sumKind = iota
	sumOffsets
	sumTimes
	sumTxn
	sumKinds
)

// fileSum is the checksums of a file's blocks. The last block may be shorter.
type fileSum struct {
	size   int64
	blocks []uint32
}

// add takes bytes at the end of the file.
func (s *fileSum) add(p []byte) {
	for len(p) > 0 {
		within := s.size % sumBlockBytes
		if within == 0 {
			s.blocks = append(s.blocks, 0)
		}
		n := min(int64(len(p)), sumBlockBytes-within)
		last := &s.blocks[len(s.blocks)-1]
		*last = crc32.Update(*last, castagnoli, p[:n])
		s.size += n
		p = p[n:]
	}
}

// addFrom takes the bytes of a file up to a size.
func (s *fileSum) addFrom(f vfs.File, size int64) error {
	b := make([]byte, min(max(size-s.size, 0), scanBufferBytes))
	for s.size < size {
		b = b[:min(int64(len(b)), size-s.size)]
		if err := readFull(f, b, s.size); err != nil {
			return err
		}
		s.add(b)
	}
	return nil
}

// cut shortens the file, whose bytes below size have not changed.
func (s *fileSum) cut(f vfs.File, size int64) error {
	if size >= s.size {
		return nil
	}
	s.size = size / sumBlockBytes * sumBlockBytes
	s.blocks = s.blocks[:s.size/sumBlockBytes]
	return s.addFrom(f, size)
}

func (s *fileSum) clone() fileSum { return fileSum{s.size, slices.Clone(s.blocks)} }

func (s *fileSum) equal(o *fileSum) bool { return s.size == o.size && slices.Equal(s.blocks, o.blocks) }

func blocksOf(size int64) int { return int((size + sumBlockBytes - 1) / sumBlockBytes) }

// sums is what a side-car tells of a segment.
type sums struct {
	base, end, maxTime int64
	// complete says that the files have exactly these sizes.
	complete bool
	files    [sumKinds]fileSum
}

func (s *sums) clone() *sums {
	c := *s
	for k := range c.files {
		c.files[k] = s.files[k].clone()
	}
	return &c
}

// told says whether before, which may be nil, tells all of it. Files that have exactly some sizes may be told of as grown from
// them, but not the other way round.
func (s *sums) told(before *sums) bool {
	if before == nil || s.base != before.base || s.end != before.end || s.maxTime != before.maxTime || s.complete && !before.complete {
		return false
	}
	for k := range s.files {
		if !s.files[k].equal(&before.files[k]) {
			return false
		}
	}
	return true
}

// section encodes what differs from before, which may be nil.
func (s *sums) section(before *sums) []byte {
	b := make([]byte, sumsHeaderBytes)
	binary.BigEndian.PutUint32(b, sumsMagic)
	b[4] = sumsVersion
	if s.complete {
		b[5] = sumsComplete
	}
	for i, v := range [...]int64{s.base, s.end, s.maxTime} {
		binary.BigEndian.PutUint64(b[16+8*i:], uint64(v)) //nolint:gosec // bits
	}
	for k := range s.files {
		f := &s.files[k]
		first := 0
		if before != nil {
			old := before.files[k].blocks
			for first < min(len(old), len(f.blocks)) && old[first] == f.blocks[first] {
				first++
			}
		}
		head := b[40+16*k:]
		binary.BigEndian.PutUint64(head, uint64(f.size))                     //nolint:gosec // not negative
		binary.BigEndian.PutUint32(head[8:], uint32(first))                  //nolint:gosec // bounded by the segment's size
		binary.BigEndian.PutUint32(head[12:], uint32(len(f.blocks[first:]))) //nolint:gosec // bounded by the segment's size
		for _, c := range f.blocks[first:] {
			b = binary.BigEndian.AppendUint32(b, c)
		}
	}
	binary.BigEndian.PutUint32(b[8:], uint32(len(b))) //nolint:gosec // bounded by the segment's size
	binary.BigEndian.PutUint32(b[12:], sectionChecksum(b))
	return b
}

func sectionChecksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:])
}

var errSums = errors.New("not a valid section of checksums")

// apply takes the section at the start of b and returns its size. An invalid one changes nothing.
func (s *sums) apply(b []byte) (size int, err error) {
	if len(b) < sumsHeaderBytes || binary.BigEndian.Uint32(b) != sumsMagic || b[4] != sumsVersion {
		return 0, errSums
	}
	length := binary.BigEndian.Uint32(b[8:])
	if length < sumsHeaderBytes || length > sumsSectionLimit || uint64(length) > uint64(len(b)) {
		return 0, errSums
	}
	b = b[:length]
	if binary.BigEndian.Uint32(b[12:]) != sectionChecksum(b) || i64(b[16:]) != s.base {
		return 0, errSums
	}
	crcs := b[sumsHeaderBytes:]
	for k := range s.files {
		size, first, n := sectionFile(b, k)
		if size < 0 || size > math.MaxInt32 || first > len(s.files[k].blocks) || n > len(crcs)/4 || first+n != blocksOf(size) {
			return 0, errSums
		}
		crcs = crcs[4*n:]
	}
	if len(crcs) != 0 {
		return 0, errSums
	}
	s.complete, s.end, s.maxTime = b[5]&sumsComplete != 0, i64(b[24:]), i64(b[32:])
	crcs = b[sumsHeaderBytes:]
	for k := range s.files {
		f := &s.files[k]
		size, first, n := sectionFile(b, k)
		f.size, f.blocks = size, f.blocks[:first]
		for ; n > 0; n-- {
			f.blocks = append(f.blocks, binary.BigEndian.Uint32(crcs))
			crcs = crcs[4:]
		}
	}
	return int(length), nil
}

// sectionFile reads what a section says of one file.
func sectionFile(section []byte, k int) (size int64, first, n int) {
	head := section[40+16*k:]
	return i64(head), int(binary.BigEndian.Uint32(head[8:])), int(binary.BigEndian.Uint32(head[12:]))
}

// sumsFile is a side-car as it was read.
type sumsFile struct {
	// last is what the last section tells, chosen the last one that wanted was true for; nil if there is none.
	last, chosen *sums
	// bytes is how long the valid part is.
	bytes int
	// there says that there is a file, damaged that a part of it is not valid.
	there, damaged bool
}

// readSums reads the side-car with a name.
func readSums(fsys vfs.FS, name string, base int64, wanted func(*sums) bool) (r sumsFile, err error) {
	data, err := vfs.ReadFile(fsys, name, maxSumsBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("read side-car: %w", err)
	}
	r.there = true
	s, upTo := &sums{base: base}, 0
	for r.bytes < len(data) {
		n, err := s.apply(data[r.bytes:])
		if err != nil {
			break
		}
		r.bytes += n
		if wanted(s) {
			upTo = r.bytes
		}
	}
	r.damaged = r.bytes == 0 || r.bytes < len(data)
	if r.bytes > 0 {
		r.last = s
	}
	if upTo == 0 {
		return r, nil
	}
	if upTo == r.bytes {
		r.chosen = s
		return r, nil
	}
	r.chosen = &sums{base: base}
	for at := 0; at < upTo; {
		n, err := r.chosen.apply(data[at:])
		if err != nil {
			return r, fmt.Errorf("read side-car %s: %w", name, err)
		}
		at += n
	}
	return r, nil
}
