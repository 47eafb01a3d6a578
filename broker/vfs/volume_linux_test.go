package vfs

import (
	"errors"
	"path"
	"testing"

	"golang.org/x/sys/unix"
)

// TestVolumesOfTheSystem: a directory's volume is synced where the system tells of failures, and elsewhere it is said that it can not be.
func TestVolumesOfTheSystem(t *testing.T) {
	dir := t.TempDir()
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	v, err := OpenVolume(OS{}, dir)
	if !sinceSyncfsTells() || st.Type != unix.EXT4_SUPER_MAGIC && st.Type != unix.XFS_SUPER_MAGIC {
		if !errors.Is(err, ErrNoVolume) {
			t.Fatalf("the volume of a file system of type %x: %v", st.Type, err)
		}
		return
	}
	must(t, err)
	write(t, OS{}, path.Join(dir, "f"), "text")
	must(t, v.Sync())
	must(t, v.Close())
	if err := v.Sync(); err == nil {
		t.Fatal("a closed volume was synced")
	}
}
