package vfs

import (
	"io"
	"io/fs"
	"path"
)

type memoryFile struct {
	disk   *Memory
	node   *node
	name   string
	mode   Mode
	closed bool
}

// enter locks the disk for one call; the caller unlocks it when there is no error.
func (f *memoryFile) enter(op string, changes bool) error {
	f.disk.mu.Lock()
	var err error
	switch {
	case f.closed:
		err = &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	case changes && f.mode == ReadOnly && op != "sync":
		err = &fs.PathError{Op: op, Path: f.name, Err: fs.ErrPermission}
	case changes:
		err = f.disk.step()
	case f.disk.off:
		err = ErrPowerLost
	}
	if err != nil {
		f.disk.mu.Unlock()
	}
	return err
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.enter("read", false); err != nil {
		return 0, err
	}
	defer f.disk.mu.Unlock()
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.enter("write", true); err != nil {
		return 0, err
	}
	defer f.disk.mu.Unlock()
	n := f.node
	end := off + int64(len(p))
	if err := f.disk.grow(n, end); err != nil {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: err}
	}
	if end > int64(len(n.data)) {
		n.data = resize(n.data, int(end))
	}
	copy(n.data[off:], p)
	n.touch(off, end)
	n.modTime = f.disk.clock()
	return len(p), nil
}

func (n *node) touch(from, to int64) {
	for s := from / sectorBytes; s*sectorBytes < to; s++ {
		n.dirty[s] = struct{}{}
		delete(n.lost, s)
	}
}

func (f *memoryFile) Truncate(size int64) error {
	if err := f.enter("truncate", true); err != nil {
		return err
	}
	defer f.disk.mu.Unlock()
	old := int64(len(f.node.data))
	f.node.allocated = 0
	f.node.data = resize(f.node.data, int(size))
	f.node.touch(min(old, size), max(old, size))
	f.node.modTime = f.disk.clock()
	return nil
}

func (f *memoryFile) Allocate(size int64) error {
	if err := f.enter("allocate", true); err != nil {
		return err
	}
	defer f.disk.mu.Unlock()
	if err := f.disk.grow(f.node, size); err != nil {
		return &fs.PathError{Op: "allocate", Path: f.name, Err: err}
	}
	f.node.allocated = max(f.node.allocated, size)
	return nil
}

func (f *memoryFile) Sync() error {
	if err := f.enter("sync", true); err != nil {
		return err
	}
	defer f.disk.mu.Unlock()
	if err := f.node.untold; err != nil {
		f.node.untold = nil
		return &fs.PathError{Op: syncOp, Path: f.name, Err: err}
	}
	f.node.sync()
	return nil
}

// lose does what a system does of which a sync has failed.
func (f *memoryFile) lose() {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if !f.disk.off {
		f.node.lose()
	}
}

func (f *memoryFile) Stat() (Info, error) {
	if err := f.enter("stat", false); err != nil {
		return Info{}, err
	}
	defer f.disk.mu.Unlock()
	return f.node.info(path.Base(f.name)), nil
}

func (f *memoryFile) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	f.closed = true
	if f.mode == Lock && !f.disk.off {
		f.node.locked = false
	}
	return nil
}
