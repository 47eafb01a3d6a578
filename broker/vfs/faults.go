package vfs

import (
	"io/fs"
	"strings"
	"sync"
)

// Op names a call that a Fault can hit. The zero value is invalid.
type Op uint8

// The operations.
const (
	OpOpen Op = iota + 1
	OpRename
	OpRemove
	OpMkdir
	OpList
	OpRead
	OpWrite
	OpTruncate
	OpAllocate
	OpSync
)

// Fault makes calls fail.
type Fault struct {
	Op Op
	// Path is a part of the file's name; empty means every file.
	Path string
	// Whole says that Path is the whole name, as that of a directory whose files are not meant.
	Whole bool
	// Skip is how many matching calls succeed first.
	Skip int
	// Count is how many fail then; 0 means all that follow.
	Count int
	// Err is what they fail with, such as syscall.EIO or syscall.ENOSPC.
	Err error
	// Done has the call carried out before it fails, as where a disk reports late that a write went wrong that it has kept. Not of
	// OpOpen, OpList and OpRead.
	Done bool
}

// Faults is a file system whose calls fail as it is told.
type Faults struct {
	fs     FS
	mu     sync.Mutex
	faults []*Fault
}

var _ FS = (*Faults)(nil)

// NewFaults puts an injector around fsys.
func NewFaults(fsys FS) *Faults { return &Faults{fs: fsys} }

// Add adds a fault.
func (f *Faults) Add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &fault)
}

// Clear takes all faults away.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Pending is how many faults may still hit a call.
func (f *Faults) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.faults)
}

// run makes a call unless a fault hits it.
func (f *Faults) run(op Op, name string, call func() error) error {
	done, failed := f.check(op, name)
	if failed != nil && !done {
		return failed
	}
	if err := call(); err != nil {
		return err
	}
	return failed
}

func (f *Faults) check(op Op, name string) (done bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.faults {
		if fault.Op != op || !strings.Contains(name, fault.Path) || fault.Whole && name != fault.Path {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		if fault.Count == 1 {
			f.faults = append(f.faults[:i:i], f.faults[i+1:]...)
		} else if fault.Count > 1 {
			fault.Count--
		}
		return fault.Done, fault.Err
	}
	return false, nil
}

// Open implements FS.
func (f *Faults) Open(name string, mode Mode) (File, error) {
	if _, err := f.check(OpOpen, name); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	file, err := f.fs.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: file, faults: f, name: name}, nil
}

// Rename implements FS.
func (f *Faults) Rename(oldName, newName string) error {
	return f.run(OpRename, oldName, func() error { return f.fs.Rename(oldName, newName) })
}

// Remove implements FS.
func (f *Faults) Remove(name string) error {
	return f.run(OpRemove, name, func() error { return f.fs.Remove(name) })
}

// Mkdir implements FS.
func (f *Faults) Mkdir(name string) error {
	return f.run(OpMkdir, name, func() error { return f.fs.Mkdir(name) })
}

// List implements FS.
func (f *Faults) List(dir string) ([]Info, error) {
	if _, err := f.check(OpList, dir); err != nil {
		return nil, err
	}
	return f.fs.List(dir)
}

type faultyFile struct {
	File
	faults *Faults
	name   string
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if _, err := f.faults.check(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	n := 0
	err := f.faults.run(OpWrite, f.name, func() (err error) {
		n, err = f.File.WriteAt(p, off)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (f *faultyFile) Truncate(size int64) error {
	return f.faults.run(OpTruncate, f.name, func() error { return f.File.Truncate(size) })
}

func (f *faultyFile) Allocate(size int64) error {
	return f.faults.run(OpAllocate, f.name, func() error { return f.File.Allocate(size) })
}

// Sync fails as that of a system does whose disk has failed: what it was to make durable is lost, and another Sync does not try again.
func (f *faultyFile) Sync() error {
	err := f.faults.run(OpSync, f.name, f.File.Sync)
	if err == nil {
		return nil
	}
	if m, ok := f.File.(*memoryFile); ok {
		m.lose()
	}
	return &fs.PathError{Op: syncOp, Path: f.name, Err: err}
}

// OpenVolume implements the optional part of FS.
func (f *Faults) OpenVolume(dir string) (Volume, error) {
	v, err := OpenVolume(f.fs, dir)
	if err != nil {
		return nil, err
	}
	return &faultyVolume{v, f, dir}, nil
}

type faultyVolume struct {
	Volume
	faults *Faults
	dir    string
}

// Sync fails, by a fault of OpSync of the directory, as that of a system does: what it was to make durable is lost.
func (v *faultyVolume) Sync() error {
	err := v.faults.run(OpSync, v.dir, v.Volume.Sync)
	if m, ok := v.Volume.(*memoryVolume); ok && err != nil {
		m.lose(err)
	}
	return err
}
