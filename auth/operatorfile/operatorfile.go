// Package operatorfile opens files that an operator's configuration names and that are read again while the broker serves.
package operatorfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrNotRegular is wrapped where a path is that of a directory, a pipe, a socket or a device.
var ErrNotRegular = errors.New("it is not a regular file")

// Open opens a regular file to read. It does not wait for somebody to write to a pipe, which might never be.
func Open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
