package vfs

import "errors"

// Space is the space of a volume, in bytes.
type Space struct {
	Total int64
	// Usable is what may still be written by this process.
	Usable int64
}

// ErrNoSpaceKnown is returned for a file system that does not tell its space.
var ErrNoSpaceKnown = errors.New("the file system does not tell its space")

// spacious is a file system that tells its space.
type spacious interface {
	Space(dir string) (Space, error)
}

// SpaceOf returns the space of the volume that a directory is on.
func SpaceOf(fsys FS, dir string) (Space, error) {
	if s, ok := fsys.(spacious); ok {
		return s.Space(dir)
	}
	return Space{}, ErrNoSpaceKnown
}

// Space implements SpaceOf.
func (f *Faults) Space(dir string) (Space, error) { return SpaceOf(f.fs, dir) }
