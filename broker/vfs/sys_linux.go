package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func lock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// lockShared takes a shared record lock on the whole file: the lock belongs to the open file, and other opens of this process do not lose it.
func lockShared(f *os.File) error {
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart})
}

func datasync(fd uintptr) error { return uninterrupted(unix.Fdatasync, fd) }

func fullsync(fd uintptr) error { return uninterrupted(unix.Fsync, fd) }

// allocate reserves space and keeps the size. A file system that cannot reserve is no error: there a full disk shows when
// the write is made.
func allocate(fd uintptr, size int64) error {
	for {
		err := unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, 0, size)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return nil
		default:
			return err
		}
	}
}

// Space implements SpaceOf.
func (OS) Space(dir string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.FromSlash(dir), &st); err != nil {
		return Space{}, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	block := int64(st.Bsize)
	return Space{Total: int64(st.Blocks) * block, Usable: int64(st.Bavail) * block}, nil //nolint:gosec // far below 2^63
}

// writeback has a part of a file written, as sync_file_range does with SYNC_FILE_RANGE_WRITE alone.
func writeback(fd uintptr, off, size int64) {
	_ = unix.SyncFileRange(int(fd), off, size, unix.SYNC_FILE_RANGE_WRITE) // a sync tells of the failure
}
