package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// segmentFiles is what the files of a directory's segments share.
type segmentFiles struct {
	vfs.FS
	cache *SegmentCache
	pacer *pacer
	// failed takes the directory offline; due asks for a checkpoint.
	failed func(error)
	due    func()
}

// handle is a file of a segment that is opened when it is used, and closed when the cache needs the room and no call uses it. A
// file that was written to and not synced is synced before it is closed: the kernel tells of a failed write only those who had
// the file open.
type handle struct {
	files *segmentFiles
	name  string
	mark  evict.Mark
	open  atomic.Pointer[openFile]

	// syncing is held during a sync: only one of two at a time would be told of a failed write. It is taken before mu.
	syncing sync.Mutex
	// mu is held while the file is opened, closed or written to; reads take no lock.
	mu     sync.Mutex
	closed bool
	// written counts the writes, synced is how many of them are known to be durable.
	written, synced uint64
	// lost is why a sync failed: it is not tried again, since what it was to write may count as written by now.
	lost error
	// lingers says that the cache has given the file up, and that it stays open until it is synced.
	lingers bool
}

var _ vfs.File = (*handle)(nil)

// openFile counts who uses an open file; its handle is one of them.
type openFile struct {
	f    vfs.File
	refs atomic.Int64
}

// errUnopened is wrapped by errors of files that could not be opened: nothing was read or written.
var errUnopened = errors.New("the file can not be opened")

func newHandle(files *segmentFiles, name string) *handle { return &handle{files: files, name: name} }

// use returns the open file, which the caller releases.
func (h *handle) use() (*openFile, error) {
	if o := h.open.Load(); o.retain() {
		h.files.cache.hit(h)
		return o, nil
	}
	h.mu.Lock()
	o, opened, err := h.openLocked(vfs.ReadWrite)
	h.mu.Unlock()
	if opened {
		h.keep()
	}
	return o, err
}

// create opens the file, and makes it where it is missing.
func (h *handle) create() error {
	h.mu.Lock()
	o, opened, err := h.openLocked(vfs.Create)
	h.mu.Unlock()
	if err != nil {
		return err
	}
	if opened {
		h.keep()
	}
	return h.release(o)
}

// keep hands an open file to the cache, unless it was closed for good meanwhile. The caller does not hold the lock.
func (h *handle) keep() {
	h.files.cache.keep(h)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		h.files.cache.forget(h)
	}
}

// openLocked returns the open file, with a use for the caller. opened says that the cache has to be told of it when the lock is
// no longer held.
func (h *handle) openLocked(mode vfs.Mode) (o *openFile, opened bool, err error) {
	if h.closed {
		return nil, false, fmt.Errorf("%s: %w", h.name, fs.ErrClosed)
	}
	if o := h.open.Load(); o.retain() {
		return o, false, nil
	}
	f, err := h.files.cache.openFile(h.files.FS, h.name, mode)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", errUnopened, err)
	}
	o = &openFile{f: f}
	o.refs.Store(2)
	h.open.Store(o)
	return o, true, nil
}

// retain takes a use of the file, unless it is closed.
func (o *openFile) retain() bool {
	if o == nil {
		return false
	}
	for {
		n := o.refs.Load()
		if n == 0 {
			return false
		}
		if o.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a use back; the last one closes the file.
func (h *handle) release(o *openFile) error {
	if o.refs.Add(-1) > 0 {
		return nil
	}
	return h.files.cache.closeFile(o.f)
}

// drop closes the file when its last use is over. The caller holds the lock.
func (h *handle) drop() error {
	h.setLingering(false)
	o := h.open.Swap(nil)
	if o == nil {
		return nil
	}
	return h.release(o)
}

// writes is how many there were.
func (h *handle) writes() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.written
}

// unsynced says whether there are any that are not known to be durable.
func (h *handle) unsynced() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dirty()
}

// cover notes that so many first writes are durable by other means than Sync.
func (h *handle) cover(writes uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost != nil {
		return nil // the next Sync tells
	}
	return h.settledTo(writes)
}

// settledTo notes that so many first writes are durable; a file that lingers is closed. The caller holds the lock.
func (h *handle) settledTo(writes uint64) error {
	h.synced = max(h.synced, writes)
	if h.lingers && !h.dirty() {
		return h.drop()
	}
	return nil
}

func (h *handle) dirty() bool { return h.written != h.synced }

func (h *handle) setLingering(lingers bool) {
	if h.lingers != lingers {
		h.lingers = lingers
		h.files.cache.setLingering(h, lingers)
	}
}

// evict is called when the cache gives the file up.
func (h *handle) evict() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dirty() && h.open.Load() != nil {
		h.setLingering(true)
		return
	}
	if err := h.drop(); err != nil {
		h.files.cache.cfg.Logger.Warn("closing a file failed", "file", h.name, "error", err)
	}
}

// settle syncs and closes a file that lingers. It is closed where that fails, too: other directories need the room.
func (h *handle) settle() {
	h.syncing.Lock()
	defer h.syncing.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.open.Load()
	if !h.lingers || o == nil {
		return
	}
	if h.lost == nil {
		h.lost = o.f.Sync()
	}
	err := h.lost
	if err == nil {
		h.synced = h.written
	}
	if err = errors.Join(err, h.drop()); err != nil {
		h.files.failed(fmt.Errorf("sync %s before it is closed: %w", h.name, err))
	}
}

// change makes a change to the file.
func (h *handle) change(do func(f vfs.File) error) error {
	h.mu.Lock()
	o, opened, err := h.openLocked(vfs.ReadWrite)
	if err != nil {
		h.mu.Unlock()
		return err
	}
	again := h.lingers
	h.setLingering(false)
	h.written++
	err = errors.Join(do(o.f), h.release(o))
	h.mu.Unlock()
	if opened || again {
		h.keep()
	} else {
		h.files.cache.hit(h)
	}
	return err
}

// ReadAt implements vfs.File.
func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	o, err := h.use()
	if err != nil {
		return 0, err
	}
	n, err := o.f.ReadAt(p, off)
	if closing := h.release(o); closing != nil && err == nil {
		err = closing
	}
	return n, err
}

// WriteAt implements vfs.File.
func (h *handle) WriteAt(p []byte, off int64) (n int, err error) {
	err = h.change(func(f vfs.File) (err error) {
		n, err = f.WriteAt(p, off)
		return err
	})
	return n, err
}

// Truncate implements vfs.File.
func (h *handle) Truncate(size int64) error {
	return h.change(func(f vfs.File) error { return f.Truncate(size) })
}

// Allocate implements vfs.File.
func (h *handle) Allocate(size int64) error {
	o, err := h.use()
	if err != nil {
		return err
	}
	return errors.Join(o.f.Allocate(size), h.release(o))
}

// Sync implements vfs.File. Writes go on meanwhile.
func (h *handle) Sync() error {
	o, err := h.use()
	if err != nil {
		return err
	}
	h.syncing.Lock()
	defer h.syncing.Unlock()
	h.mu.Lock() // a write under way is one of those that are synced
	written, lost := h.written, h.lost
	h.mu.Unlock()
	if lost == nil {
		lost = o.f.Sync()
	}
	closing := h.release(o)
	h.mu.Lock()
	defer h.mu.Unlock()
	if lost != nil && !vfs.Lacks(lost) {
		h.lost = lost
	}
	if err := errors.Join(lost, closing); err != nil {
		return err
	}
	return h.settledTo(written)
}

// Stat implements vfs.File.
func (h *handle) Stat() (vfs.Info, error) {
	o, err := h.use()
	if err != nil {
		return vfs.Info{}, err
	}
	info, err := o.f.Stat()
	return info, errors.Join(err, h.release(o))
}

// park closes the file until it is used again, unless it has writes that are not synced.
func (h *handle) park() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dirty() {
		return nil
	}
	h.files.cache.files.Remove(h)
	return h.drop()
}

// Close implements vfs.File: calls that come later fail with fs.ErrClosed, those under way finish. It may be called again.
func (h *handle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.files.cache.forget(h)
	return h.drop()
}
