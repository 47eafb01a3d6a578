package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// File modes of what is made: a log directory holds what its topics' ACLs protect, so nobody else on the machine reads it.
const (
	filePerm = 0o600
	dirPerm  = 0o700
)

// OS is the operating system's file system.
type OS struct{}

var _ FS = OS{}

// Open implements FS.
func (OS) Open(name string, mode Mode) (File, error) {
	flags := 0
	switch mode {
	case ReadOnly:
		flags = os.O_RDONLY
	case ReadWrite:
		flags = os.O_RDWR
	case Create, Lock:
		flags = os.O_RDWR | os.O_CREATE
	case CreateNew:
		flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	default:
		return nil, fmt.Errorf("open %s: invalid mode %d", name, mode)
	}
	f, err := os.OpenFile(filepath.FromSlash(name), flags, filePerm)
	if err != nil {
		return nil, err
	}
	if mode != Lock {
		return &osFile{f: f, whole: mode == ReadOnly}, nil
	}
	if err := lock(f); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(&fs.PathError{Op: "lock", Path: name, Err: err}, f.Close())
	}
	return &osFile{f: f}, nil
}

// Rename implements FS.
func (OS) Rename(oldName, newName string) error {
	return os.Rename(filepath.FromSlash(oldName), filepath.FromSlash(newName))
}

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(filepath.FromSlash(name)) }

// Mkdir implements FS.
func (OS) Mkdir(name string) error { return os.MkdirAll(filepath.FromSlash(name), dirPerm) }

// List implements FS.
func (OS) List(dir string) ([]Info, error) {
	entries, err := os.ReadDir(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		fi, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, infoOf(fi))
	}
	return infos, nil
}

func infoOf(fi fs.FileInfo) Info {
	return Info{Name: fi.Name(), Size: fi.Size(), ModTime: fi.ModTime(), Dir: fi.IsDir()}
}

type osFile struct {
	f *os.File
	// whole has Sync take along what fdatasync may leave: of a directory ext4 leaves its new entries, unless its size has changed.
	whole bool
}

func (o *osFile) ReadAt(p []byte, off int64) (int, error)  { return o.f.ReadAt(p, off) }
func (o *osFile) WriteAt(p []byte, off int64) (int, error) { return o.f.WriteAt(p, off) }
func (o *osFile) Truncate(size int64) error                { return o.f.Truncate(size) }
func (o *osFile) Close() error                             { return o.f.Close() }

func (o *osFile) Allocate(size int64) error {
	if size <= 0 {
		return nil
	}
	return o.control("allocate", func(fd uintptr) error { return allocate(fd, size) })
}

func (o *osFile) Sync() error {
	if o.whole {
		return o.control(syncOp, fullsync)
	}
	return o.control(syncOp, datasync)
}

// uninterrupted makes a call again that a signal has interrupted.
func uninterrupted(call func(fd int) error, fd uintptr) error {
	for {
		err := call(int(fd))
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (o *osFile) startWriteback(off, size int64) {
	_ = o.control("write back", func(fd uintptr) error { // a closed file has nothing to write
		writeback(fd, off, size)
		return nil
	})
}

// control runs a system call on the descriptor; unlike Fd it leaves the file as it is, and safe against Close.
func (o *osFile) control(op string, call func(fd uintptr) error) error {
	raw, err := o.f.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	if err := raw.Control(func(fd uintptr) { callErr = call(fd) }); err != nil {
		// Control fails for a closed file only, with an error that package poll does not export.
		return &fs.PathError{Op: op, Path: o.f.Name(), Err: fmt.Errorf("%w (%w)", fs.ErrClosed, err)}
	}
	if callErr != nil {
		return &fs.PathError{Op: op, Path: o.f.Name(), Err: callErr}
	}
	return nil
}

func (o *osFile) Stat() (Info, error) {
	fi, err := o.f.Stat()
	if err != nil {
		return Info{}, err
	}
	return infoOf(fi), nil
}
