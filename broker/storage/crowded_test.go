package storage

import (
	"bytes"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// stuckJournal is a disk whose journal does not get synced while stuck is locked.
type stuckJournal struct {
	vfs.FS
	stuck *sync.RWMutex
}

func (s stuckJournal) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := s.FS.Open(name, mode)
	if err != nil || !strings.HasPrefix(path.Base(name), "chronik.journal.") {
		return f, err
	}
	return stuckFile{f, s.stuck}, nil
}

type stuckFile struct {
	vfs.File
	stuck *sync.RWMutex
}

func (f stuckFile) Sync() error {
	f.stuck.RLock()
	defer f.stuck.RUnlock()
	return f.File.Sync()
}

// TestSmallBatchesOfACrowd: small batches go round the journal while many of their log wait together, and only then; none is lost.
func TestSmallBatchesOfACrowd(t *testing.T) {
	disk := vfs.NewMemory(nil)
	var stuck sync.RWMutex
	cfg := referenceConfig(stuckJournal{disk, &stuck})
	cfg.JournalFileBytes = 1 << 20 // no other file is needed while it is stuck
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	var want []byte
	add := func() {
		b := batchOf(1, 100, testTime.UnixMilli())
		appendTo(t, l, b)
		want = append(want, b...)
	}
	for range 20 {
		add()
		waitConfirmed(t, l)
	}
	if n := referencesIn(t, disk); n != 0 {
		t.Fatalf("%d references without a crowd", n)
	}
	stuck.Lock()
	for range 1000 {
		add()
	}
	stuck.Unlock()
	waitConfirmed(t, l)
	next := disk.Crash(1)
	_ = d.Close() // without power
	if n := referencesIn(t, next); n < 500 {
		t.Fatalf("%d references of a crowd", n)
	}
	cfg.FS = next
	d = openDir(t, cfg)
	if !bytes.Equal(readAll(t, d.Log("topic", 0)), want) {
		t.Fatal("confirmed records are gone")
	}
	must(t, d.Close())
}
