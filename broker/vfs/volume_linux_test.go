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
	must(t, OS{}.Mkdir(path.Join(dir, "below")))
	if !v.Holds(path.Join(dir, "below")) || v.Holds("/proc") || v.Holds(path.Join(dir, "missing")) {
		t.Fatal("what is on the volume is not known")
	}
	must(t, v.Close())
	if err := v.Sync(); err == nil {
		t.Fatal("a closed volume was synced")
	}
}

// TestSyncfsTells: since Linux 5.17, whatever a distribution adds to the name of a release.
func TestSyncfsTells(t *testing.T) {
	for release, want := range map[string]bool{
		"5.17.0": true, "5.17-rc8": true, "6.1.0-13-amd64": true, "10.0.1": true,
		"5.16.20": false, "5.8.0-63-generic": false, "4.18.0-553.el8.x86_64": false, "": false, "new": false,
	} {
		if got := releaseTells(release); got != want {
			t.Errorf("%q: %t, want %t", release, got, want)
		}
	}
}
