package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"syscall"
	"testing"
)

// systems are what the conformance tests run on: a file system and an empty directory of it.
func systems(t *testing.T) map[string]func(*testing.T) (FS, string) {
	t.Helper()
	return map[string]func(*testing.T) (FS, string){
		"os": func(t *testing.T) (FS, string) { return OS{}, t.TempDir() },
		"memory": func(t *testing.T) (FS, string) {
			m := NewMemory(nil)
			must(t, m.Mkdir("/data"))
			return m, "/data"
		},
		"faults": func(t *testing.T) (FS, string) { return NewFaults(OS{}), t.TempDir() },
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, fsys FS, name, text string) {
	t.Helper()
	f, err := fsys.Open(name, Create)
	must(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	must(t, err)
	must(t, f.Close())
}

func TestConformance(t *testing.T) {
	for name, open := range systems(t) {
		t.Run(name, func(t *testing.T) {
			t.Run("files", func(t *testing.T) { fsys, dir := open(t); testFiles(t, fsys, dir) })
			t.Run("names", func(t *testing.T) { fsys, dir := open(t); testNames(t, fsys, dir) })
			t.Run("locks", func(t *testing.T) { fsys, dir := open(t); testLocks(t, fsys, dir) })
			t.Run("closed", func(t *testing.T) { fsys, dir := open(t); testClosed(t, fsys, dir) })
			t.Run("replace", func(t *testing.T) { fsys, dir := open(t); testReplace(t, fsys, dir) })
		})
	}
}

func testFiles(t *testing.T, fsys FS, dir string) {
	name := path.Join(dir, "f")
	if _, err := fsys.Open(name, ReadWrite); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("ReadWrite of a missing file: %v", err)
	}
	f, err := fsys.Open(name, CreateNew)
	must(t, err)
	must(t, f.Allocate(10000))
	_, err = f.WriteAt([]byte("world"), 2000)
	must(t, err)
	_, err = f.WriteAt([]byte("hello"), 0)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	if info.Size != 2005 || info.Name != "f" || info.Dir {
		t.Fatalf("Stat: %+v", info)
	}
	buf := make([]byte, 3000)
	n, err := f.ReadAt(buf, 0)
	if n != 2005 || !errors.Is(err, io.EOF) {
		t.Fatalf("ReadAt over the end: %d, %v", n, err)
	}
	want := append(append([]byte("hello"), make([]byte, 1995)...), "world"...)
	if !bytes.Equal(buf[:n], want) {
		t.Fatal("a hole does not read as zeros")
	}
	must(t, f.Truncate(3))
	must(t, f.Truncate(6))
	must(t, f.Sync())
	if n, err := f.ReadAt(buf[:6], 0); n != 6 || err != nil || string(buf[:6]) != "hel\x00\x00\x00" {
		t.Fatalf("after truncates: %q, %v", buf[:n], err)
	}
	must(t, f.Close())
	if _, err := fsys.Open(name, CreateNew); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("CreateNew of an existing file: %v", err)
	}
	ro, err := fsys.Open(name, ReadOnly)
	must(t, err)
	if _, err := ro.WriteAt([]byte("x"), 0); err == nil {
		t.Fatal("a file opened ReadOnly was written")
	}
	must(t, ro.Close())
}

func testNames(t *testing.T, fsys FS, dir string) {
	sub := path.Join(dir, "a/b")
	must(t, fsys.Mkdir(sub))
	must(t, fsys.Mkdir(sub))
	write(t, fsys, path.Join(sub, "y"), "y")
	write(t, fsys, path.Join(sub, "x"), "xx")
	infos, err := fsys.List(sub)
	must(t, err)
	if len(infos) != 2 || infos[0].Name != "x" || infos[0].Size != 2 || infos[1].Name != "y" {
		t.Fatalf("List: %+v", infos)
	}
	must(t, fsys.Rename(path.Join(sub, "x"), path.Join(sub, "y")))
	data, err := ReadFile(fsys, path.Join(sub, "y"), 10)
	must(t, err)
	if string(data) != "xx" {
		t.Fatalf("after a rename over a file: %q", data)
	}
	if _, err := ReadFile(fsys, path.Join(sub, "y"), 1); err == nil {
		t.Fatal("ReadFile read more than its limit")
	}
	if err := fsys.Remove(sub); err == nil {
		t.Fatal("a full directory was removed")
	}
	if err := fsys.Rename(path.Join(sub, "x"), path.Join(sub, "z")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("rename of a missing file: %v", err)
	}
	must(t, fsys.Rename(sub, path.Join(dir, "a/c")))
	must(t, SyncDir(fsys, dir))
	must(t, RemoveAll(fsys, path.Join(dir, "a")))
	must(t, RemoveAll(fsys, path.Join(dir, "a")))
	if _, err := fsys.List(path.Join(dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("List of a removed directory: %v", err)
	}
}

func testLocks(t *testing.T, fsys FS, dir string) {
	name := path.Join(dir, ".lock")
	first, err := fsys.Open(name, Lock)
	must(t, err)
	if _, err := fsys.Open(name, Lock); !errors.Is(err, ErrLocked) {
		t.Fatalf("second lock: %v", err)
	}
	must(t, first.Close())
	second, err := fsys.Open(name, Lock)
	must(t, err)
	must(t, second.Close())
}

func testClosed(t *testing.T, fsys FS, dir string) {
	f, err := fsys.Open(path.Join(dir, "f"), Create)
	must(t, err)
	must(t, f.Close())
	if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("ReadAt of a closed file: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("Sync of a closed file: %v", err)
	}
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
}

func testReplace(t *testing.T, fsys FS, dir string) {
	name := path.Join(dir, "f")
	must(t, ReplaceFile(fsys, name, []byte("a longer text")))
	must(t, ReplaceFile(fsys, name, []byte("short")))
	data, err := ReadFile(fsys, name, 100)
	must(t, err)
	if string(data) != "short" {
		t.Fatalf("replaced file holds %q", data)
	}
	if _, err := Stat(fsys, name+".tmp"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the temporary file: %v", err)
	}
}

func TestCrashLosesOnlyWhatWasNotSynced(t *testing.T) {
	kept, lost := 0, 0
	for seed := range uint64(64) {
		m := NewMemory(nil)
		must(t, m.Mkdir("/d"))
		must(t, SyncDir(m, "/"))
		f, err := m.Open("/d/f", Create)
		must(t, err)
		_, err = f.WriteAt(bytes.Repeat([]byte("s"), 2000), 0)
		must(t, err)
		must(t, f.Sync())
		must(t, SyncDir(m, "/d"))
		_, err = f.WriteAt(bytes.Repeat([]byte("u"), 1000), 1500)
		must(t, err)
		write(t, m, "/d/new", "x")
		next := m.Crash(seed)
		if _, err := f.WriteAt([]byte("z"), 0); !errors.Is(err, ErrPowerLost) {
			t.Fatalf("write after the crash: %v", err)
		}
		data, err := ReadFile(next, "/d/f", 10000)
		must(t, err)
		if !bytes.Equal(data[:1500], bytes.Repeat([]byte("s"), 1500)) {
			t.Fatal("a synced byte is gone")
		}
		if bytes.Contains(data, []byte("u")) {
			kept++
		}
		if _, err := Stat(next, "/d/new"); errors.Is(err, fs.ErrNotExist) {
			lost++
		}
	}
	if kept == 0 || kept == 64 || lost == 0 || lost == 64 {
		t.Fatalf("seeds make no difference: %d unsynced writes kept, %d unsynced files lost", kept, lost)
	}
}

func TestReplaceFileIsAtomic(t *testing.T) {
	for cut := range 12 {
		for seed := range uint64(8) {
			m := NewMemory(nil)
			must(t, ReplaceFile(m, "/f", []byte("old")))
			m.CutPowerAfter(cut)
			err := ReplaceFile(m, "/f", bytes.Repeat([]byte("new"), 500))
			data, readErr := ReadFile(m.Crash(seed), "/f", 10000)
			must(t, readErr)
			isNew := len(data) == 1500
			if !isNew && string(data) != "old" {
				t.Fatalf("cut %d, seed %d: %d bytes", cut, seed, len(data))
			}
			if err == nil && !isNew {
				t.Fatalf("cut %d, seed %d: a finished replacement is gone", cut, seed)
			}
		}
	}
}

func TestKillKeepsEverything(t *testing.T) {
	m := NewMemory(nil)
	write(t, m, "/f", "text")
	_, err := m.Open("/l", Lock)
	must(t, err)
	next := m.Kill()
	data, err := ReadFile(next, "/f", 10)
	must(t, err)
	if string(data) != "text" {
		t.Fatalf("after a kill: %q", data)
	}
	l, err := next.Open("/l", Lock)
	must(t, err)
	must(t, l.Close())
}

func TestFaults(t *testing.T) {
	f := NewFaults(NewMemory(nil))
	f.Add(Fault{Op: OpWrite, Path: "x", Skip: 1, Count: 2, Err: syscall.ENOSPC})
	file, err := f.Open("/x", Create)
	must(t, err)
	other, err := f.Open("/y", Create)
	must(t, err)
	got := ""
	for range 4 {
		_, err := file.WriteAt([]byte("1"), 0)
		got += fmt.Sprint(errors.Is(err, syscall.ENOSPC), " ")
	}
	if want := "false true true false "; got != want {
		t.Fatalf("writes failed %q, want %q", got, want)
	}
	f.Add(Fault{Op: OpSync, Path: "y", Err: syscall.EIO})
	if err := other.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Sync: %v", err)
	}
	if n := f.Pending(); n != 1 {
		t.Fatalf("%d faults are left", n)
	}
	f.Clear()
	must(t, other.Sync())
	f.Add(Fault{Op: OpSync, Path: "/", Whole: true, Err: syscall.EIO})
	must(t, other.Sync())
	if err := SyncDir(f, "/"); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Sync of the directory: %v", err)
	}
}

func TestAFaultMayReportWhatWasDone(t *testing.T) {
	for _, done := range []bool{false, true} {
		m := NewMemory(nil)
		faults := NewFaults(m)
		write(t, faults, "/f", "old")
		f, err := faults.Open("/f", ReadWrite)
		must(t, err)
		faults.Add(Fault{Op: OpWrite, Path: "/f", Count: 1, Err: syscall.EIO, Done: done})
		if _, err := f.WriteAt([]byte("new"), 0); !errors.Is(err, syscall.EIO) {
			t.Fatalf("done %v: %v", done, err)
		}
		data, err := ReadFile(m, "/f", 10)
		must(t, err)
		if (string(data) == "new") != done {
			t.Errorf("done %v: the file holds %q", done, data)
		}
		must(t, f.Close())
	}
}
