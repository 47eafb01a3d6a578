package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"sync"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// The entries of Kafka's sparse indexes.
const (
	offsetEntryBytes = 8  // i32 offset - base, i32 position
	timeEntryBytes   = 12 // i64 timestamp, i32 offset - base
	// indexReadEntries is how many entries a lookup in a file reads at once in the end.
	indexReadEntries = 256
)

// index is a file of entries of one size with rising keys: an .index by offset, a .timeindex by timestamp. Entries wait in
// memory until flush, so that an append makes no system call for them; a crash loses nothing that recovery does not rebuild.
type index struct {
	fs    vfs.FS
	name  string
	width int

	mu      sync.RWMutex
	f       vfs.File // opened when it is needed
	closed  bool
	flushed int    // entries in the file
	tail    []byte // entries behind them
	lastKey int64  // of the last entry; -1 if there is none
}

func newIndex(fsys vfs.FS, name string, width int) *index {
	return &index{fs: fsys, name: name, width: width, lastKey: -1}
}

func (x *index) key(entry []byte) int64 {
	if x.width == timeEntryBytes {
		return i64(entry)
	}
	return int64(i32(entry))
}

// load takes over a file with a number of entries.
func (x *index) load(size int64) error {
	x.flushed = int(size) / x.width
	if x.flushed == 0 {
		return nil
	}
	entry, err := x.at(x.flushed - 1)
	if err != nil {
		return err
	}
	x.lastKey = x.key(entry)
	return nil
}

// file opens the file. The caller holds the lock for writing.
func (x *index) file(mode vfs.Mode) (vfs.File, error) {
	if x.f != nil || x.closed {
		return x.f, closedError(x.closed)
	}
	f, err := x.fs.Open(x.name, mode)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	x.f = f
	return f, nil
}

// add appends an entry, whose key has to be larger than the last one.
func (x *index) add(entry []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tail = append(x.tail, entry...)
	x.lastKey = x.key(entry)
}

// entries is how many there are.
func (x *index) entries() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.flushed + len(x.tail)/x.width
}

func (x *index) last() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lastKey
}

// at returns entry i.
func (x *index) at(i int) ([]byte, error) {
	f, flushed, tail, err := x.snapshot()
	if err != nil {
		return nil, err
	}
	if i >= flushed {
		return tail[(i-flushed)*x.width:][:x.width], nil
	}
	b := make([]byte, x.width)
	return b, readFull(f, b, int64(i)*int64(x.width))
}

// snapshot returns what a lookup needs; f is nil when no entry is in the file.
func (x *index) snapshot() (f vfs.File, flushed int, tail []byte, err error) {
	x.mu.RLock()
	f, flushed, tail = x.f, x.flushed, x.tail
	x.mu.RUnlock()
	if f != nil || flushed == 0 {
		return f, flushed, tail, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err = x.file(vfs.ReadWrite)
	return f, x.flushed, x.tail, err
}

// floor returns the last entry whose key is at most target, and its place; ok is false when there is none.
func (x *index) floor(target int64) (entry []byte, place int, ok bool, err error) {
	f, flushed, tail, err := x.snapshot()
	if err != nil {
		return nil, 0, false, err
	}
	if len(tail) > 0 && x.key(tail) <= target {
		n := searchEntries(x, tail, target)
		return tail[(n-1)*x.width:][:x.width], flushed + n - 1, true, nil
	}
	lo, hi := 0, flushed // the answer is before hi, and at lo-1 or behind
	var one [timeEntryBytes]byte
	for hi-lo > indexReadEntries {
		mid := (lo + hi) / 2
		if err := readFull(f, one[:x.width], int64(mid)*int64(x.width)); err != nil {
			return nil, 0, false, err
		}
		if x.key(one[:x.width]) <= target {
			lo = mid
		} else {
			hi = mid
		}
	}
	if hi == lo {
		return nil, 0, false, nil
	}
	b := make([]byte, (hi-lo)*x.width)
	if err := readFull(f, b, int64(lo)*int64(x.width)); err != nil {
		return nil, 0, false, err
	}
	n := searchEntries(x, b, target)
	if n == 0 {
		return nil, 0, false, nil
	}
	return b[(n-1)*x.width:][:x.width], lo + n - 1, true, nil
}

// searchEntries is how many entries of b have a key of at most target.
func searchEntries(x *index, b []byte, target int64) int {
	return sort.Search(len(b)/x.width, func(i int) bool { return x.key(b[i*x.width:]) > target })
}

// flush writes the entries in memory to the file, and makes the file where there is none.
func (x *index) flush() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err := x.file(vfs.Create)
	if err != nil || len(x.tail) == 0 {
		return err
	}
	if _, err := f.WriteAt(x.tail, int64(x.flushed)*int64(x.width)); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	x.flushed += len(x.tail) / x.width
	x.tail = nil
	return nil
}

// truncate keeps the first n entries.
func (x *index) truncate(n int) error {
	x.mu.Lock()
	if n >= x.flushed+len(x.tail)/x.width {
		x.mu.Unlock()
		return nil
	}
	if n >= x.flushed {
		x.tail = x.tail[: (n-x.flushed)*x.width : (n-x.flushed)*x.width]
	} else {
		f, err := x.file(vfs.Create)
		if err == nil {
			err = f.Truncate(int64(n) * int64(x.width))
		}
		if err != nil {
			x.mu.Unlock()
			return fmt.Errorf("truncate index: %w", err)
		}
		x.flushed, x.tail = n, nil
	}
	x.lastKey = -1
	x.mu.Unlock()
	if n == 0 {
		return nil
	}
	entry, err := x.at(n - 1)
	if err != nil {
		return err
	}
	x.mu.Lock()
	x.lastKey = x.key(entry)
	x.mu.Unlock()
	return nil
}

// sync makes what is flushed durable.
func (x *index) sync() error {
	x.mu.RLock()
	f := x.f
	x.mu.RUnlock()
	if f == nil {
		return nil
	}
	return f.Sync()
}

// park closes the file until it is needed.
func (x *index) park() error { return x.release(false) }

// close closes the file for good.
func (x *index) close() error { return x.release(true) }

func (x *index) release(forGood bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = x.closed || forGood
	if x.f == nil {
		return nil
	}
	err := x.f.Close()
	x.f = nil
	return err
}

// validPrefix reads the whole file and returns how many entries, from the first on, rise in every field and satisfy check.
// Zeros that Kafka preallocates are no entries.
func (x *index) validPrefix(check func(entry []byte) bool) (int, error) {
	size := int64(x.flushed) * int64(x.width)
	if size == 0 {
		return 0, nil
	}
	data, err := vfs.ReadFile(x.fs, x.name, max(size, maxIndexBytes))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n := 0
	split := x.width - 4 // both kinds end with a field of 4 bytes
	for ; (n+1)*x.width <= len(data); n++ {
		entry := data[n*x.width:][:x.width]
		if !check(entry) {
			break
		}
		if n == 0 {
			continue
		}
		before := data[(n-1)*x.width:][:x.width]
		if x.key(entry) <= x.key(before) || i32(entry[split:]) < i32(before[split:]) {
			break
		}
	}
	return n, nil
}

// validPrefixFlushed is validPrefix of all entries, those in memory included.
func (x *index) validPrefixFlushed(check func(entry []byte) bool) (int, error) {
	if err := x.flush(); err != nil {
		return 0, err
	}
	return x.validPrefix(check)
}

// maxIndexBytes bounds what recovery reads of one index; segment.index.bytes is far below.
const maxIndexBytes = 256 << 20

func offsetEntry(relative int64, position int64) (e [offsetEntryBytes]byte) {
	binary.BigEndian.PutUint32(e[:], uint32(relative))  //nolint:gosec // bounded by the roll rules
	binary.BigEndian.PutUint32(e[4:], uint32(position)) //nolint:gosec // bounded by the segment's size
	return e
}

func timeEntry(timestamp, relative int64) (e [timeEntryBytes]byte) {
	binary.BigEndian.PutUint64(e[:], uint64(timestamp)) //nolint:gosec // bits
	binary.BigEndian.PutUint32(e[8:], uint32(relative)) //nolint:gosec // bounded by the roll rules
	return e
}
