package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// syncfsTells is the first Linux whose syncfs tells of all that has failed: since 5.8 of pages that could not be written, and since 5.17 of
// the file system's journal and the disk's cache, too (vfs: make sync_filesystem return errors from ->sync_fs).
var syncfsTells = [2]int{5, 17}

// osVolume is a directory of the volume, which has a device's number.
type osVolume struct {
	osFile
	device uint64
}

// OpenVolume implements the optional part of FS. Only of ext4 and XFS it is known that syncfs tells of all failures: what stands on
// another file system, as overlayfs does, tells of its own ones alone.
func (OS) OpenVolume(dir string) (Volume, error) {
	if !sinceSyncfsTells() {
		return nil, ErrNoVolume
	}
	f, err := os.Open(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	v := &osVolume{osFile: osFile{f: f}}
	if v.device, err = deviceOf(dir); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	var st unix.Statfs_t
	err = v.control("statfs", func(fd uintptr) error { return unix.Fstatfs(int(fd), &st) })
	if err == nil && st.Type != unix.EXT4_SUPER_MAGIC && st.Type != unix.XFS_SUPER_MAGIC {
		err = ErrNoVolume
	}
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

func (v *osVolume) Sync() error {
	return v.control("sync the volume of", func(fd uintptr) error { return uninterrupted(unix.Syncfs, fd) })
}

func (v *osVolume) Holds(dir string) bool {
	device, err := deviceOf(dir)
	return err == nil && device == v.device
}

func deviceOf(name string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(filepath.FromSlash(name), &st); err != nil {
		return 0, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return uint64(st.Dev), nil //nolint:unconvert // not everywhere it has this type
}

// sinceSyncfsTells says whether this is a Linux of syncfsTells or a newer one.
func sinceSyncfsTells() bool {
	var name unix.Utsname
	err := unix.Uname(&name)
	return err == nil && releaseTells(unix.ByteSliceToString(name.Release[:]))
}

// releaseTells is sinceSyncfsTells of a release by its name.
func releaseTells(release string) bool {
	var version [2]int
	if _, err := fmt.Sscanf(release, "%d.%d", &version[0], &version[1]); err != nil {
		return false
	}
	return version[0] > syncfsTells[0] || version[0] == syncfsTells[0] && version[1] >= syncfsTells[1]
}
