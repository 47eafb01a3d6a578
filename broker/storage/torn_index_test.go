package storage

import (
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// tornDisk is a disk on which, once armed, the next write to a file with the suffix is made in part, for which there is no more space. The
// journal writes to it from goroutines of its own.
type tornDisk struct {
	vfs.FS
	suffix string
	armed  atomic.Bool
}

func (d *tornDisk) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := d.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return tornFile{f, d, name}, nil
}

type tornFile struct {
	vfs.File
	disk *tornDisk
	name string
}

func (f tornFile) WriteAt(p []byte, off int64) (int, error) {
	if !strings.HasSuffix(f.name, f.disk.suffix) || !f.disk.armed.CompareAndSwap(true, false) {
		return f.File.WriteAt(p, off)
	}
	n, err := f.File.WriteAt(p[:len(p)/2], off)
	if err == nil {
		err = &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return n, err
}

// TestHalfAWriteOfEntriesDoesNotStay: a full disk takes a part of some entries, which a truncation then takes from memory. A start after
// a clean stop must not find more in the file than its side-car tells of.
func TestHalfAWriteOfEntriesDoesNotStay(t *testing.T) {
	disk := &tornDisk{FS: vfs.NewMemory(nil), suffix: txnSuffix}
	cfg := testConfig(disk)
	cfg.DefaultLogConfig.SegmentBytes = 1 << 20
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 1, testTime.UnixMilli()))
	disk.armed.Store(true)
	abortTxns(t, l, txnPage)
	if disk.armed.Load() || l.active().txns.waiting() != txnPage {
		t.Fatalf("%d wait", l.active().txns.waiting())
	}
	must(t, l.Truncate(1))
	must(t, d.Close())
	d = openDir(t, cfg)
	if end := d.Log("topic", 0).EndOffset(); end != 1 {
		t.Errorf("the log ends at %d", end)
	}
	must(t, d.Close())
}
