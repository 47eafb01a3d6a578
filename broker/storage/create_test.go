package storage

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// slowJournal is a disk on which the next commit of a journal, once it is armed, lasts until it is let go. The files that a journal prepares
// meanwhile do not wait.
type slowJournal struct {
	vfs.FS
	armed        atomic.Bool
	began, letGo chan struct{}
}

func (d *slowJournal) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := d.FS.Open(name, mode)
	if err != nil || !strings.Contains(name, "chronik.journal.") {
		return f, err
	}
	return slowJournalFile{f, d, &atomic.Bool{}}, nil
}

type slowJournalFile struct {
	vfs.File
	disk *slowJournal
	// framed says that frames were written since it was armed.
	framed *atomic.Bool
}

func (f slowJournalFile) WriteAt(p []byte, off int64) (int, error) {
	if f.disk.armed.Load() && bytes.HasPrefix(p, []byte("CHJF")) {
		f.framed.Store(true)
	}
	return f.File.WriteAt(p, off)
}

func (f slowJournalFile) Sync() error {
	if f.framed.Load() && f.disk.armed.CompareAndSwap(true, false) {
		close(f.disk.began)
		<-f.disk.letGo
	}
	return f.File.Sync()
}

// TestALogThatIsMadeAnewHoldsNobodyUp: under the name of a deleted one it waits for the disk. Meanwhile other logs are found, and neither
// another one of the name nor a checkpoint comes between.
func TestALogThatIsMadeAnewHoldsNobodyUp(t *testing.T) {
	memory := vfs.NewMemory(nil)
	disk := &slowJournal{FS: memory, began: make(chan struct{}), letGo: make(chan struct{})}
	d := openDir(t, testConfig(disk))
	old := newLogIn(t, d)
	appendTo(t, old, batchOf(1, 100, testTime.UnixMilli()))
	must(t, d.Checkpoint())
	must(t, d.Delete(old.id, 0))
	must(t, d.journal.Sync())
	disk.armed.Store(true)
	type result struct {
		id  TopicID
		err error
	}
	made := make(chan result)
	create := func(id TopicID) {
		_, err := d.Create(id, "topic", 0, d.cfg.DefaultLogConfig)
		made <- result{id, err}
	}
	go create(TopicID{5})
	<-disk.began
	if l := d.Log("topic", 0); l != nil {
		t.Errorf("there is log %x", l.id)
	}
	for range d.Logs {
		t.Error("there is a log")
	}
	flushed := make(chan error)
	go create(TopicID{6})
	go func() { flushed <- d.Checkpoint() }()
	close(disk.letGo)
	winner, loser := <-made, <-made
	must(t, <-flushed)
	if winner.err != nil {
		winner, loser = loser, winner
	}
	if winner.err != nil || wire.CodeOf(loser.err) != wire.TopicAlreadyExists {
		t.Fatalf("%v, %v", winner, loser)
	}
	l := d.Log("topic", 0)
	appendTo(t, l, batchOf(1, 100, testTime.UnixMilli()))
	waitConfirmed(t, l)
	next := memory.Crash(3)
	_ = d.Close() // without power
	d = openDir(t, testConfig(next))
	if l = d.Log("topic", 0); l == nil || l.EndOffset() != 1 || d.byID[logKey{winner.id, 0}] != l {
		t.Errorf("after a power loss: %+v", l)
	}
	must(t, d.Close())
}
