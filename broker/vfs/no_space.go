package vfs

import (
	"errors"
	"io/fs"
	"syscall"
)

// syncOp is the operation that errors of Sync name.
const syncOp = "fdatasync"

// NoSpace says whether a call failed because the disk, or the quota, is full, and may be tried again. A sync that failed is
// none of these: what it was to make durable may be lost whatever comes later.
func NoSpace(err error) bool {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return false
	}
	var failed *fs.PathError
	return !errors.As(err, &failed) || failed.Op != syncOp
}

// NoFiles says whether a call failed because the process, or the system, has too many files open: it did nothing, and may be tried
// again.
func NoFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// Lacks says whether a call failed for the want of space or of open files, and may be tried again when there are some.
func Lacks(err error) bool { return NoSpace(err) || NoFiles(err) }
