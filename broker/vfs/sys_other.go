//go:build unix && !linux

package vfs

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

func lock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// lockShared takes a shared record lock on the whole file: it is of the kind that a JVM takes.
func lockShared(f *os.File) error {
	return unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart})
}

func datasync(fd uintptr) error { return uninterrupted(unix.Fsync, fd) }

func fullsync(fd uintptr) error { return uninterrupted(unix.Fsync, fd) }

// allocate does nothing: these systems have no call that reserves space and keeps the size.
func allocate(uintptr, int64) error { return nil }

// writeback does nothing: these systems have no such call.
func writeback(uintptr, int64, int64) {}
