package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// The side-car of a text file; docs/formats.md has its layout.
const (
	textSumsMagic   = 0x43485354 // CHST
	textSumsVersion = 1
	textSumsBytes   = 40
)

// textSum is the checksum of a text file's contents; size is -1 for a file that is not there.
type textSum struct {
	size int64
	crc  uint32
}

var noText = textSum{size: -1}

func textSumOf(data []byte) textSum {
	return textSum{int64(len(data)), crc32.Checksum(data, castagnoli)}
}

func encodeTextSums(next, previous textSum) []byte {
	b := make([]byte, textSumsBytes)
	binary.BigEndian.PutUint32(b, textSumsMagic)
	b[4] = textSumsVersion
	binary.BigEndian.PutUint32(b[8:], textSumsBytes)
	for i, s := range [...]textSum{next, previous} {
		binary.BigEndian.PutUint64(b[16+12*i:], uint64(s.size)) //nolint:gosec // bits
		binary.BigEndian.PutUint32(b[24+12*i:], s.crc)
	}
	binary.BigEndian.PutUint32(b[12:], sectionChecksum(b))
	return b
}

// textSums are the contents that a file may have: what was written last, and what that replaced.
type textSums [2]textSum

// readTextSums reads the side-car of a text file. ok is false where there is none; a damaged one is errSums.
func readTextSums(fsys vfs.FS, name string) (s textSums, ok bool, err error) {
	b, err := vfs.ReadFile(fsys, name+sumsSuffix, textSumsBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	if len(b) != textSumsBytes || binary.BigEndian.Uint32(b) != textSumsMagic || b[4] != textSumsVersion ||
		binary.BigEndian.Uint32(b[8:]) != textSumsBytes || binary.BigEndian.Uint32(b[12:]) != sectionChecksum(b) {
		return s, false, errSums
	}
	for i := range s {
		s[i] = textSum{i64(b[16+12*i:]), binary.BigEndian.Uint32(b[24+12*i:])}
	}
	return s, true, nil
}

// texts reads text files and verifies them.
type texts struct {
	fs vfs.FS
	// uncovered is told of a file that no valid side-car covers.
	uncovered func(name string, data []byte) error
}

// ignoreUncovered reads the text files of a directory that is not ours, or is not to be changed.
func ignoreUncovered(fsys vfs.FS) texts {
	return texts{fsys, func(string, []byte) error { return nil }}
}

// read returns what a text file holds. fs.ErrNotExist: it is not there, and need not be. ErrCorrupt: it is not as it was written.
func (t texts) read(name string, limit int64) ([]byte, error) {
	data, err := vfs.ReadFile(t.fs, name, limit)
	there := textSumOf(data)
	if errors.Is(err, fs.ErrNotExist) {
		there = noText
	} else if err != nil {
		return nil, err
	}
	sums, ok, sumsErr := readTextSums(t.fs, name)
	switch {
	case errors.Is(sumsErr, errSums) || sumsErr == nil && !ok:
		if err == nil {
			err = t.uncovered(name, data)
		}
	case sumsErr != nil:
		err = sumsErr
	case there != sums[0] && there != sums[1]:
		return nil, fmt.Errorf("%s: %w: %w", name, ErrCorrupt, errChecksum)
	}
	return data, err
}

// coverText makes the side-car of a text file that has none; the next flush of its directory makes it durable.
func coverText(fsys vfs.FS, name string, data []byte) error {
	return replaceWhole(fsys, name+sumsSuffix, encodeTextSums(textSumOf(data), noText), false)
}

// texts reads the directory's text files, and makes side-cars where they are missing.
func (d *Directory) texts() texts {
	return texts{d.cfg.FS, func(name string, data []byte) error {
		d.scrub.uncovered.Add(1)
		return coverText(d.cfg.FS, name, data)
	}}
}

// replaceText is vfs.ReplaceFile of a text file and its side-car, which is written first and fits the old contents too.
func replaceText(fsys vfs.FS, name string, data []byte) error {
	old, err := vfs.ReadFile(fsys, name, maxCheckpointBytes)
	previous := textSumOf(old)
	if errors.Is(err, fs.ErrNotExist) {
		previous = noText
	} else if err != nil {
		return err
	}
	next := textSumOf(data)
	sums, ok, err := readTextSums(fsys, name)
	if err != nil && !errors.Is(err, errSums) {
		return err
	}
	if ok && previous != sums[1] {
		previous = sums[0] // what it should be, whatever it is
	}
	if !ok || sums[0] != next {
		if err := vfs.ReplaceFile(fsys, name+sumsSuffix, encodeTextSums(next, previous)); err != nil {
			return err
		}
	}
	return vfs.ReplaceFile(fsys, name, data)
}
