package vfs

import (
	"errors"
	"path"
	"syscall"
	"testing"
)

func read(t *testing.T, fsys FS, name string) string {
	t.Helper()
	data, err := ReadFile(fsys, name, 1<<20)
	must(t, err)
	return string(data)
}

// TestASyncOfTheVolumeKeepsAll: contents, sizes and entries of all files survive any crash after it, though none of them was synced.
func TestASyncOfTheVolumeKeepsAll(t *testing.T) {
	for seed := range uint64(50) {
		m := NewMemory(nil)
		must(t, m.Mkdir("/data/within"))
		v, err := OpenVolume(m, "/data")
		must(t, err)
		write(t, m, "/data/a", "alpha")
		write(t, m, "/data/within/b", "beta")
		must(t, v.Sync())
		write(t, m, "/data/a", "later")
		must(t, v.Close())
		crashed := m.Crash(seed)
		if got := read(t, crashed, "/data/within/b"); got != "beta" {
			t.Fatalf("seed %d: b is %q", seed, got)
		}
		if got := read(t, crashed, "/data/a"); got != "alpha" && got != "later" {
			t.Fatalf("seed %d: a is %q", seed, got)
		}
	}
}

// TestAFailedSyncOfTheVolumeIsToldByItsFiles: what is lost, and the file that has lost it says so, once; the others do not.
func TestAFailedSyncOfTheVolumeIsToldByItsFiles(t *testing.T) {
	m := NewMemory(nil)
	must(t, m.Mkdir("/data"))
	faults := NewFaults(m)
	v, err := OpenVolume(faults, "/data")
	must(t, err)
	var files [2]File
	for i := range files {
		files[i], err = faults.Open(path.Join("/data", string(rune('a'+i))), Create)
		must(t, err)
	}
	_, err = files[0].WriteAt([]byte("lost"), 0)
	must(t, err)
	faults.Add(Fault{Op: OpSync, Path: "/data", Whole: true, Count: 1, Err: syscall.EIO})
	if err := v.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("a sync that fails: %v", err)
	}
	must(t, v.Sync())
	must(t, files[1].Sync())
	if err := files[0].Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("the sync of a file that has lost a write: %v", err)
	}
	must(t, files[0].Sync())
	if got := read(t, m.Kill(), "/data/a"); got == "lost" {
		t.Fatal("what was lost is there")
	}
}

// TestNoVolume: a file system that has no volumes says so.
func TestNoVolume(t *testing.T) {
	if _, err := OpenVolume(struct{ FS }{NewMemory(nil)}, "/"); !errors.Is(err, ErrNoVolume) {
		t.Fatalf("a file system without volumes: %v", err)
	}
}
