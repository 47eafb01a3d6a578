package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// The entries of Kafka's sparse indexes.
const (
	offsetEntryBytes = 8  // i32 offset - base, i32 position
	timeEntryBytes   = 12 // i64 timestamp, i32 offset - base
)

// index is a file of entries of one size with rising keys: an .index by offset, a .timeindex by timestamp, a .txnindex by the offset
// of the marker. Entries wait in memory until flush, so that an append makes no system call for them; a crash loses nothing that
// recovery does not rebuild. Lookups search in memory; the cache says how long what was read from the file stays there. A .txnindex
// is read entry by entry, as it may be far larger than the others, and is not there without one.
type index struct {
	files *segmentFiles
	f     *handle
	name  string
	width int

	// loaded has the entries that are in the file, or at least the first ones.
	loaded atomic.Pointer[[]byte]
	mark   evict.Mark
	// loading is held while the file is read.
	loading sync.Mutex
	// damaged says that the file was found not to be as it was written.
	damaged atomic.Bool

	mu      sync.RWMutex
	flushed int      // entries in the file
	tail    []byte   // entries behind them
	sum     *fileSum // of the file; nil if it is not known
	guards  *guards
	lastKey int64 // of the last entry; -1 if there is none
	cuts    int   // counts the times that entries in the file were taken away
	made    bool  // the file is there
	dirty   bool  // the file was changed and is not synced
	closed  bool
}

func newIndex(files *segmentFiles, name string, width int) *index {
	return &index{files: files, f: newHandle(files, name), name: name, width: width, lastKey: -1}
}

func (x *index) kind() sumKind {
	switch x.width {
	case timeEntryBytes:
		return sumTimes
	case txnEntryBytes:
		return sumTxn
	default:
		return sumOffsets
	}
}

func (x *index) key(entry []byte) int64 {
	switch x.width {
	case timeEntryBytes:
		return i64(entry)
	case txnEntryBytes:
		return i64(entry[18:])
	default:
		return int64(i32(entry))
	}
}

// load takes over a file with a number of entries.
func (x *index) load(size int64) { x.flushed = int(size) / x.width }

// loadLast is load, and reads the last entry.
func (x *index) loadLast(size int64) error {
	x.load(size)
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

// covered is how many of the entries in the file a side-car tells of: they are verified when they are read.
func (x *index) covered() int {
	if x.guards == nil {
		return 0
	}
	return int(x.guards.files[x.kind()].size) / x.width
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

// waiting is how many of them are not in the file.
func (x *index) waiting() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.tail) / x.width
}

// fileSize is how many bytes of the file are entries.
func (x *index) fileSize() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return int64(x.flushed) * int64(x.width)
}

// learnLast sets the last key, where it is not known, if there are so many entries still.
func (x *index) learnLast(entries int, key int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lastKey < 0 && entries == x.flushed && len(x.tail) == 0 {
		x.lastKey = key
	}
}

// last is the last key. It is not known of offsets, and of aborted transactions, that were loaded.
func (x *index) last() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lastKey
}

// state is what a lookup needs: how many bytes of entries are in the file, and the entries behind them.
func (x *index) state() (flushed int, tail []byte, cuts int, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.flushed * x.width, x.tail, x.cuts, closedError(x.closed)
}

// at returns entry i. It reads it alone where the file is not in memory.
func (x *index) at(i int) ([]byte, error) {
	flushed, tail, _, err := x.state()
	if err != nil {
		return nil, err
	}
	at := i * x.width
	if at >= flushed {
		return tail[at-flushed:][:x.width], nil
	}
	if loaded := x.loaded.Load(); loaded != nil && len(*loaded) > at {
		return (*loaded)[at:][:x.width], nil
	}
	f, err := x.files.Open(x.name, vfs.ReadOnly)
	if err != nil {
		return nil, x.noteDamage(fmt.Errorf("open index: %w", err))
	}
	b := make([]byte, x.width)
	err = readFull(x.guards.wrap(x.kind(), f, x.name), b, int64(at))
	return b, x.noteDamage(errors.Join(err, f.Close()))
}

// noteDamage takes note of an error that tells of damage.
func (x *index) noteDamage(err error) error {
	if tellsOfDamage(err) {
		x.damaged.Store(true)
	}
	return err
}

// tellsOfDamage says whether an error of reading a file means that it is not as it was written.
func tellsOfDamage(err error) bool {
	return errors.Is(err, ErrCorrupt) || errors.Is(err, io.ErrUnexpectedEOF) || isNotExist(err)
}

// contents returns the entries that are in the file.
func (x *index) contents() ([]byte, error) {
	flushed, _, _, err := x.state()
	if err != nil || flushed == 0 {
		return nil, err
	}
	if loaded := x.loaded.Load(); loaded != nil && len(*loaded) >= flushed {
		x.files.cache.hitIndex(x)
		return (*loaded)[:flushed], nil
	}
	x.loading.Lock()
	defer x.loading.Unlock()
	if loaded := x.loaded.Load(); loaded != nil && len(*loaded) >= flushed { // another one was faster
		return (*loaded)[:flushed], nil
	}
	return x.read()
}

// read reads and checks the file, and leaves it to the cache unless it has changed meanwhile. The caller holds loading.
func (x *index) read() ([]byte, error) {
	flushed, _, cuts, err := x.state()
	if err != nil {
		return nil, err
	}
	b, err := x.files.cache.readIndex(x.files.FS, x.name, flushed)
	if err == nil {
		err = x.guards.verifyAll(x.kind(), bytes.NewReader(b), x.name)
	}
	if err == nil && x.rising(b) < len(b) {
		err = fmt.Errorf("index %s: %w: its entries do not rise", x.name, ErrCorrupt)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, closedError(true)
	}
	if x.cuts == cuts {
		err = x.noteDamage(err)
	}
	if err == nil && x.cuts == cuts && x.flushed*x.width == flushed {
		x.loaded.Store(&b)
		x.files.cache.keepIndex(x, cap(b))
	}
	return b, err
}

// rising is how many of the first bytes of b are entries that rise in every field, or, of a .txnindex, in that of the marker.
func (x *index) rising(b []byte) int {
	key, second := int64(-1), int32(0)
	n := 0
	for ; n+x.width <= len(b); n += x.width {
		e := b[n:][:x.width]
		if x.key(e) <= key {
			break
		}
		key = x.key(e)
		if x.width == txnEntryBytes {
			if !validTxnEntry(e) {
				break
			}
			continue
		}
		if i32(e[x.width-4:]) < second { // both others end with a field of 4 bytes
			break
		}
		second = i32(e[x.width-4:])
	}
	return n
}

// floor returns the last entry whose key is at most target, and its place; ok is false when there is none.
func (x *index) floor(target int64) (entry []byte, place int, ok bool, err error) {
	flushed, tail, _, err := x.state()
	if err != nil {
		return nil, 0, false, err
	}
	if len(tail) > 0 && x.key(tail) <= target {
		n := searchEntries(x, tail, target)
		return tail[(n-1)*x.width:][:x.width], flushed/x.width + n - 1, true, nil
	}
	b, err := x.contents()
	n := searchEntries(x, b, target)
	if err != nil || n == 0 {
		return nil, 0, false, err
	}
	return b[(n-1)*x.width:][:x.width], n - 1, true, nil
}

// searchEntries is how many entries of b have a key of at most target.
func searchEntries(x *index, b []byte, target int64) int {
	return sort.Search(len(b)/x.width, func(i int) bool { return x.key(b[i*x.width:]) > target })
}

// flush writes the entries in memory to the file, and makes the file where there is none.
func (x *index) flush() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.width == txnEntryBytes && len(x.tail) == 0 {
		return nil
	}
	if err := x.make(); err != nil || len(x.tail) == 0 {
		return err
	}
	at := x.flushed * x.width
	if _, err := x.f.WriteAt(x.tail, int64(at)); err != nil { // a full disk may have taken a part
		return errors.Join(fmt.Errorf("write index: %w", err), x.f.Truncate(int64(at)))
	}
	if x.sum != nil {
		x.sum.add(x.tail)
	}
	x.dirty = true
	if loaded := x.loaded.Load(); loaded != nil && len(*loaded) == at {
		grown := append(*loaded, x.tail...)
		if x.loaded.CompareAndSwap(loaded, &grown) { // else it was given up
			x.files.cache.keepIndex(x, cap(grown))
		}
	}
	x.flushed += len(x.tail) / x.width
	x.tail = nil
	return nil
}

// make makes the file where there is none. The caller holds the lock.
func (x *index) make() error {
	if x.made {
		return nil
	}
	if err := x.f.create(); err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	x.made, x.dirty = true, true
	return nil
}

// truncate keeps the first n entries.
func (x *index) truncate(n int) error {
	if n < x.entries() {
		if err := x.cut(n); err != nil {
			return fmt.Errorf("truncate index: %w", err)
		}
	}
	return x.recallLast()
}

// recallLast reads the last key where it is not known, as after a cut.
func (x *index) recallLast() error {
	n := x.entries()
	if n == 0 || x.last() >= 0 {
		return nil
	}
	entry, err := x.at(n - 1)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lastKey = x.key(entry)
	return nil
}

func (x *index) cut(n int) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lastKey = -1
	if n >= x.flushed {
		x.tail = x.tail[: (n-x.flushed)*x.width : (n-x.flushed)*x.width]
		return nil
	}
	x.dropLoaded()
	if err := x.make(); err != nil {
		return err
	}
	size := int64(n) * int64(x.width)
	if err := x.guards.cut(x.kind(), x.f, x.name, size); err != nil {
		return err
	}
	if err := x.f.Truncate(size); err != nil {
		return err
	}
	x.flushed, x.tail, x.dirty = n, nil, true
	switch {
	case n == 0:
		x.sum = &fileSum{}
	case x.sum != nil:
		err := x.sum.cut(x.f, size)
		if !vfs.Lacks(err) {
			return err
		}
		x.sum = nil // the scrubber makes another side-car
	}
	return nil
}

// doubt notes that what is in the file may not be durable.
func (x *index) doubt() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.make()
}

// resum reads the checksums from the file: for one that recovery has verified or built.
func (x *index) resum() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sum = &fileSum{}
	if x.width == txnEntryBytes && x.flushed == 0 {
		return nil
	}
	if err := x.make(); err != nil {
		return err
	}
	return x.sum.addFrom(x.f, int64(x.flushed)*int64(x.width))
}

// dropLoaded takes what was loaded out of the cache. The caller holds the lock.
func (x *index) dropLoaded() {
	x.cuts++
	x.loaded.Store(nil)
	x.files.cache.forgetIndex(x)
}

// unsynced says whether the file was changed and is not durable.
func (x *index) unsynced() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.dirty
}

// sync makes what is flushed durable, and closes the file: lookups do not need it.
func (x *index) sync() error {
	x.mu.Lock()
	dirty := x.dirty
	x.dirty = false
	x.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := x.f.Sync(); err != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.dirty = true
		return err
	}
	return x.f.park()
}

// close ends the use of the index: lookups fail with fs.ErrClosed from here on.
func (x *index) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	x.dropLoaded()
	return x.f.Close()
}

// validPrefix reads the whole file and returns how many entries, from the first on, rise in every field and satisfy check.
// Zeros that Kafka preallocates are no entries.
func (x *index) validPrefix(check func(entry []byte) bool) (int, error) {
	size := int64(x.flushed) * int64(x.width)
	if size == 0 {
		return 0, nil
	}
	data, err := vfs.ReadFile(x.files.FS, x.name, max(size, maxIndexBytes))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err == nil {
		err = x.guards.verifyAll(x.kind(), bytes.NewReader(data), x.name)
	}
	if err != nil {
		return 0, x.noteDamage(err)
	}
	data = data[:x.rising(data)]
	n := 0
	for (n+1)*x.width <= len(data) && check(data[n*x.width:][:x.width]) {
		n++
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
