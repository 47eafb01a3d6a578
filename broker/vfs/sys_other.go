//go:build unix && !linux

package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func lock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

func datasync(fd uintptr) error {
	for {
		err := unix.Fsync(int(fd))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// allocate does nothing: these systems have no call that reserves space and keeps the size.
func allocate(uintptr, int64) error { return nil }
