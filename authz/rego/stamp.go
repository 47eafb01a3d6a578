package rego

import (
	"crypto/sha256"
	"encoding/binary"
	"io/fs"
	"time"
)

const (
	// settling is how old the last change of a file has to be before its stamp is trusted: kernels give times in steps of some milliseconds, so
	// that two changes in one of them leave one stamp.
	settling = time.Second
	// trustedLooks is how often in a row a stamp is trusted before the files are read again: what writes through a mapping of the file into
	// memory may be late in its times.
	trustedLooks = 20
)

// stamp tells whether files may have changed, without reading them: their names, numbers, sizes and times. The time of the last change of a
// file, its content or where it is, can not be set by whoever changes it. Links count as what they lead to.
type stamp struct {
	sum [sha256.Size]byte
	// trusted says that no file can have changed since without another stamp.
	trusted bool
}

// stampOf takes the stamp of files; without one, where the files are not of this system or can not be looked at, it is not trusted.
func stampOf(files fs.FS, names []string) stamp {
	now := time.Now()
	sum := sha256.New()
	for _, name := range names {
		info, err := fs.Stat(files, name)
		if err != nil {
			return stamp{}
		}
		changed, number, known := changeOf(info)
		if !known || now.Sub(changed) < settling {
			return stamp{}
		}
		b := append([]byte(name), 0)
		for _, n := range [...]int64{info.Size(), info.ModTime().UnixNano(), changed.UnixNano()} {
			b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // bits
		}
		sum.Write(append(b, number[:]...))
	}
	s := stamp{trusted: true}
	sum.Sum(s.sum[:0])
	return s
}

// seen is what a source has read last, and the stamp that it had before. It is used by one goroutine at a time.
type seen struct {
	stamp  stamp
	digest [sha256.Size]byte
	// left is how often the stamp will do.
	left int
}

// still reports whether files with this stamp hold what they held.
func (s *seen) still(now stamp) bool {
	if !now.trusted || now != s.stamp || s.left == 0 {
		return false
	}
	s.left--
	return true
}

// keep notes what was read after a stamp was taken.
func (s *seen) keep(before stamp, digest [sha256.Size]byte) {
	*s = seen{stamp: before, digest: digest, left: trustedLooks}
}
