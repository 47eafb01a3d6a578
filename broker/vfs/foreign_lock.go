package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// HoldForeign takes a shared lock on a file, of the kind that a JVM takes exclusively (FileChannel.tryLock), until the holder is
// closed. It writes nothing, so that the file may lie on a file system that is mounted read-only. ErrLocked: a JVM holds it.
// fs.ErrNotExist: there is no such file.
func HoldForeign(name string) (io.Closer, error) {
	f, err := os.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if err := lockShared(f); err != nil {
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
			err = ErrLocked
		}
		return nil, errors.Join(&fs.PathError{Op: "lock", Path: name, Err: err}, f.Close())
	}
	return f, nil
}
