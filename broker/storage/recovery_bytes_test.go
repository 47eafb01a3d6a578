package storage

import (
	"sync/atomic"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// readCounter counts what is read of files.
type readCounter struct {
	vfs.FS
	read *atomic.Int64
}

func (c readCounter) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := c.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return readCountedFile{f, c.read}, nil
}

type readCountedFile struct {
	vfs.File
	read *atomic.Int64
}

func (f readCountedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.read.Add(int64(n))
	return n, err
}

// recoveryReads is what a start reads after a kill, of a log of so many batches and the same journal.
func recoveryReads(t *testing.T, batches int) int64 {
	t.Helper()
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.DefaultLogConfig.SegmentBytes = 256 << 10
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	for i := range batches {
		appendTo(t, l, batchOf(1, 4000, testTime.UnixMilli()))
		if i%50 == 49 {
			must(t, d.Checkpoint()) // or the journal would grow with the log
		}
	}
	for range 10 {
		appendTo(t, l, batchOf(1, 4000, testTime.UnixMilli()))
	}
	waitConfirmed(t, l)
	next := disk.Kill()
	_ = d.Close() // without its disk
	var read atomic.Int64
	cfg.FS = readCounter{next, &read}
	d = openDir(t, cfg)
	recovered := read.Load()
	if end := d.Log("topic", 0).EndOffset(); end != int64(batches+10) {
		t.Fatalf("the log ends at %d, want %d", end, batches+10)
	}
	must(t, d.Close())
	return recovered
}

// TestRecoveryIsBoundedByTheJournal: what a start reads after a kill does not grow with the log, only with its journal and one
// segment.
func TestRecoveryIsBoundedByTheJournal(t *testing.T) {
	const segments, journals = 2 * 256 << 10, 4 * 2 * 256 << 10 // each file of the journal is read for the survey and for the replay
	for _, batches := range []int{200, 4000} {
		if read := recoveryReads(t, batches); read > segments+journals {
			t.Errorf("a start reads %d bytes of a log of %d KiB", read, batches*4)
		}
	}
}
