package storage

import (
	"fmt"
	"path"
	"sync"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// call is one change to a file system, or a sync.
type call struct {
	op, name string
	err      error
}

// recorder is a file system that notes its calls that change something, and its syncs.
type recorder struct {
	vfs.FS
	mu    sync.Mutex
	calls []call
}

func (r *recorder) note(op, name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call{op, name, err})
}

// noted are the calls so far.
func (r *recorder) noted() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call{}, r.calls...)
}

func (r *recorder) Open(name string, mode vfs.Mode) (vfs.File, error) {
	_, missing := vfs.Stat(r.FS, name)
	f, err := r.FS.Open(name, mode)
	if mode != vfs.ReadOnly && isNotExist(missing) {
		r.note("create", name, err)
	}
	if err != nil {
		return nil, err
	}
	return &recordedFile{f, r, name}, nil
}

func (r *recorder) Rename(from, to string) error {
	err := r.FS.Rename(from, to)
	r.note("rename to "+path.Base(to), from, err)
	return err
}

func (r *recorder) Remove(name string) error {
	err := r.FS.Remove(name)
	if !isNotExist(err) {
		r.note("remove", name, err)
	}
	return err
}

func (r *recorder) Mkdir(name string) error {
	err := r.FS.Mkdir(name)
	r.note("mkdir", name, err)
	return err
}

type recordedFile struct {
	vfs.File
	r    *recorder
	name string
}

func (f *recordedFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	f.r.note(fmt.Sprintf("write %d at %d", len(p), off), f.name, err)
	return n, err
}

func (f *recordedFile) Truncate(size int64) error {
	err := f.File.Truncate(size)
	f.r.note(fmt.Sprintf("truncate to %d", size), f.name, err)
	return err
}

func (f *recordedFile) Allocate(size int64) error {
	err := f.File.Allocate(size)
	f.r.note(fmt.Sprintf("allocate %d", size), f.name, err)
	return err
}

func (f *recordedFile) Sync() error {
	err := f.File.Sync()
	f.r.note("sync", f.name, err)
	return err
}
