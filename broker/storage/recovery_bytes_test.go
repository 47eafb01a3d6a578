package storage

import (
	"strings"
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

// recoveryReads is what a start reads after a kill, of a log of so many batches, in segments of a size, beside two times the journal,
// which is read for the survey and for the replay.
func recoveryReads(t *testing.T, batches int, segmentBytes int64, batch func(i int) []byte) int64 {
	t.Helper()
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.DefaultLogConfig.SegmentBytes = segmentBytes
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	for i := range batches {
		appendTo(t, l, batch(i))
		if i%50 == 49 {
			must(t, d.Checkpoint()) // or the journal would grow with the log
		}
	}
	for i := range 10 {
		appendTo(t, l, batch(batches+i))
	}
	waitConfirmed(t, l)
	next := disk.Kill()
	_ = d.Close() // without its disk
	journal := journalBytes(t, next)
	if most := 8 * cfg.JournalFileBytes; journal > most {
		t.Fatalf("the journal has %d bytes, at most %d are due", journal, most)
	}
	var read atomic.Int64
	cfg.FS = readCounter{next, &read}
	d = openDir(t, cfg)
	recovered := read.Load()
	if end := d.Log("topic", 0).EndOffset(); end != int64(batches+10) {
		t.Fatalf("the log ends at %d, want %d", end, batches+10)
	}
	must(t, d.Close())
	return recovered - 2*journal
}

// journalBytes is the size of the journal: how many files it has depends on how fast new ones are prepared.
func journalBytes(t *testing.T, fsys vfs.FS) (size int64) {
	t.Helper()
	entries, err := fsys.List(testDir)
	must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "chronik.journal.") {
			size += e.Size
		}
	}
	return size
}

// TestRecoveryIsBoundedByTheJournal: what a start reads after a kill does not grow with the log, only with its journal and one
// small segment, or what is appended between two snapshots of the producers.
func TestRecoveryIsBoundedByTheJournal(t *testing.T) {
	const (
		small     = 2 * (2*256<<10 + scanBufferBytes) // what is behind the index point lies in two segments, each read for its batches and its checksums
		inFlight  = recallFirst + 2*scanBufferBytes
		tail      = defaultSnapshotBytes + 50*5000 // a checkpoint comes after 50 batches
		snapshots = 2*tail + inFlight              // for the producers, and for checksums
	)
	plain := func(int) []byte { return batchOf(1, 4000, testTime.UnixMilli()) }
	producers := func(i int) []byte { return sign(plain(i), int64(i%3), 0, int32(i/3), 0) }
	for name, c := range map[string]struct {
		batch        func(int) []byte
		segment, max int64
	}{
		"small segments":                      {plain, 256 << 10, small},
		"small segments, idempotent producer": {producers, 256 << 10, small + inFlight},
		"one segment":                         {plain, 1 << 30, snapshots},
		"one segment, idempotent producers":   {producers, 1 << 30, snapshots},
	} {
		t.Run(name, func(t *testing.T) {
			for _, batches := range []int{200, 4000, 16_000} {
				if read := recoveryReads(t, batches, c.segment, c.batch); read > c.max {
					t.Errorf("a start reads %d bytes, without the journal, of a log of %d KiB, at most %d are due", read, batches*4, c.max)
				}
			}
		})
	}
}
