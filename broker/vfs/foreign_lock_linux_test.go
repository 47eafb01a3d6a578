package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestForeignLocks(t *testing.T) {
	name := filepath.Join(t.TempDir(), ".lock")
	if _, err := HoldForeign(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	exclusive := func(kind int16) error {
		return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Whence: io.SeekStart})
	}
	if err := exclusive(unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	if _, err := HoldForeign(name); !errors.Is(err, ErrLocked) {
		t.Errorf("a locked file: %v", err)
	}
	if err := exclusive(unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	held, err := HoldForeign(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := exclusive(unix.F_WRLCK); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("the file is locked again while it is held: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := exclusive(unix.F_WRLCK); err != nil {
		t.Errorf("after the holder is closed: %v", err)
	}
}
