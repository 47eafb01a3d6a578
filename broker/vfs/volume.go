package vfs

import "errors"

// Volume is what a directory is on, with all other files of it.
type Volume interface {
	// Sync makes durable all that was changed on the volume before the call, by whomever: contents, sizes and entries. An error says that
	// something is lost that was to be written since the volume was opened, or since the last error. It does not say what: the Sync of a file that was
	// open all the time does.
	Sync() error
	// Holds says whether a directory is on the volume: one below the volume's may be where another one is mounted.
	Holds(dir string) bool
	// Close gives the volume up.
	Close() error
}

// ErrNoVolume is returned where volumes are not synced as a whole, or do not tell when that fails.
var ErrNoVolume = errors.New("the volume can not be synced as a whole")

// voluminous is a file system whose volumes can be synced.
type voluminous interface {
	OpenVolume(dir string) (Volume, error)
}

// OpenVolume opens the volume that a directory is on. ErrNoVolume: only files can be synced.
func OpenVolume(fsys FS, dir string) (Volume, error) {
	if v, ok := fsys.(voluminous); ok {
		return v.OpenVolume(dir)
	}
	return nil, ErrNoVolume
}
