package vfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// syncfsTells is the first Linux whose syncfs tells of writes that have failed: see syncfs(2).
var syncfsTells = [2]int{5, 8}

// osVolume is a directory of the volume.
type osVolume struct{ osFile }

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
	v := &osVolume{osFile{f: f}}
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

// sinceSyncfsTells says whether this is a Linux of syncfsTells or a newer one.
func sinceSyncfsTells() bool {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return false
	}
	var version [2]int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &version[0], &version[1]); err != nil {
		return false
	}
	return version[0] > syncfsTells[0] || version[0] == syncfsTells[0] && version[1] >= syncfsTells[1]
}
