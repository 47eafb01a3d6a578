// Package vfs is the one door to a data directory: a small file system interface, the operating system behind it, a memory
// disk that loses what was not synced when it crashes, and a fault injector around either.
package vfs

import (
	"errors"
	"io/fs"
	"path"
	"time"
)

// Mode says how Open opens. The zero value is invalid.
type Mode uint8

// The modes.
const (
	// ReadOnly opens a file, or a directory that is to be synced, that exists.
	ReadOnly Mode = iota + 1
	// ReadWrite opens a file that exists.
	ReadWrite
	// Create opens for reading and writing, and makes the file where there is none.
	Create
	// CreateNew makes a file and fails with fs.ErrExist where there is one.
	CreateNew
	// Lock is Create with the exclusive lock of this process on the file until Close; ErrLocked where another holds it.
	Lock
)

// ErrLocked is returned for a file that is locked by another holder.
var ErrLocked = errors.New("locked by another process")

// FS is a file system. Names are slash-separated paths. Failures wrap fs.ErrNotExist, fs.ErrExist and fs.ErrClosed, or the
// system's error number.
//
// What a power loss leaves: a file's bytes as of its last Sync, and a directory's entries as of the last Sync of the
// directory, opened ReadOnly; newer ones may be there or not. A rename within a directory is there as a whole or not at all.
type FS interface {
	// Open opens a file.
	Open(name string, mode Mode) (File, error)
	// Rename moves a file or directory; a file that has the new name is replaced.
	Rename(oldName, newName string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// Mkdir makes a directory and the missing ones above it.
	Mkdir(name string) error
	// List returns a directory's entries by name.
	List(dir string) ([]Info, error)
}

// File is an open file. ReadAt, WriteAt and Sync may run at the same time.
type File interface {
	// ReadAt is that of io.ReaderAt.
	ReadAt(p []byte, off int64) (int, error)
	// WriteAt is that of io.WriterAt; a write beyond the end leaves zeros between.
	WriteAt(p []byte, off int64) (int, error)
	// Truncate sets the size.
	Truncate(size int64) error
	// Allocate reserves space for the first size bytes without changing the file's size.
	Allocate(size int64) error
	// Sync makes contents and size durable; of a directory, its entries.
	Sync() error
	// Stat describes the file.
	Stat() (Info, error)
	// Close closes the file and gives its lock up.
	Close() error
}

// Info describes a file or directory.
type Info struct {
	Name    string
	Size    int64
	ModTime time.Time
	Dir     bool
}

// StartWriteback asks the system to write a part of a file to the disk soon, and does not wait for it. Where the system or the
// file has no such call, or it fails, nothing happens: it makes nothing durable, it only leaves less to a later Sync.
func StartWriteback(f File, off, size int64) {
	if w, ok := f.(interface{ startWriteback(off, size int64) }); ok && size > 0 {
		w.startWriteback(off, size)
	}
}

// SyncDir makes a directory's entries durable.
func SyncDir(fsys FS, dir string) error {
	f, err := fsys.Open(dir, ReadOnly)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Stat describes the file or directory with a name.
func Stat(fsys FS, name string) (Info, error) {
	f, err := fsys.Open(name, ReadOnly)
	if err != nil {
		return Info{}, err
	}
	info, err := f.Stat()
	return info, errors.Join(err, f.Close())
}

// ReadFile returns the contents of a file of at most limit bytes; a larger one is an error.
func ReadFile(fsys FS, name string, limit int64) (data []byte, err error) {
	f, err := fsys.Open(name, ReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("file is larger than its kind may be")}
	}
	data = make([]byte, info.Size)
	if len(data) == 0 {
		return data, nil
	}
	_, err = f.ReadAt(data, 0)
	return data, err
}

// ReplaceFile replaces a file's contents so that a crash leaves the old ones or the new ones: it writes to name.tmp, syncs
// it, renames it, and syncs the directory.
func ReplaceFile(fsys FS, name string, data []byte) error {
	tmp := name + ".tmp"
	if err := writeSynced(fsys, tmp, data); err != nil {
		return err
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return err
	}
	return SyncDir(fsys, path.Dir(name))
}

func writeSynced(fsys FS, name string, data []byte) (err error) {
	f, err := fsys.Open(name, Create)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return f.Sync()
}

// RemoveAll removes a directory and all that is in it. A missing one is no error.
func RemoveAll(fsys FS, dir string) error {
	entries, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if e.Dir {
			err = RemoveAll(fsys, name)
		} else {
			err = fsys.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fsys.Remove(dir)
}
