package storage

import (
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// syncCounter tells of every sync of the journal's first file. The next one is prepared beside.
type syncCounter struct {
	vfs.FS
	synced chan struct{}
}

type syncedFile struct {
	vfs.File
	synced chan struct{}
}

func (s *syncCounter) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := s.FS.Open(name, mode)
	if err != nil || !strings.Contains(name, "chronik.journal.00000001") {
		return f, err
	}
	return &syncedFile{f, s.synced}, nil
}

func (f *syncedFile) Sync() error {
	err := f.File.Sync()
	select {
	case f.synced <- struct{}{}:
	default:
	}
	return err
}

// afterPowerLoss is where the log ends when the power goes now.
func afterPowerLoss(t *testing.T, disk *vfs.Memory, d *Directory) int64 {
	t.Helper()
	// Of what was not synced this seed keeps nothing that counts: the frames of a commit in part are none.
	next := disk.Crash(4)
	_ = d.Close() // without power
	d = openDir(t, testConfig(next))
	defer func() { must(t, d.Close()) }()
	if l := d.Log("topic", 0); l != nil {
		return l.EndOffset()
	}
	return 0
}

// TestFlushMessages: with policy os the batch that completes flush.messages is on disk when it is confirmed, and so is all before.
func TestFlushMessages(t *testing.T) {
	for _, policy := range []journal.FlushPolicy{journal.FlushOS, journal.FlushInterval} {
		for records, want := range map[int]int64{9: 0, 10: 10, 25: 20} {
			disk := vfs.NewMemory(nil)
			cfg := testConfig(disk)
			cfg.FlushPolicy, cfg.FlushInterval = policy, time.Hour
			cfg.DefaultLogConfig.FlushMessages = 10
			d := openDir(t, cfg)
			l := newLogIn(t, d)
			for range records {
				appendTo(t, l, batchOf(1, 700, testTime.UnixMilli()))
			}
			waitConfirmed(t, l)
			if end := afterPowerLoss(t, disk, d); end < want {
				t.Errorf("policy %s: after %d records the log ends at %d, %d were flushed", policy, records, end, want)
			}
		}
	}
}

// TestFlushMs: with policy os a record is on disk some time after it was confirmed.
func TestFlushMs(t *testing.T) {
	disk := vfs.NewMemory(nil)
	counter := &syncCounter{FS: disk, synced: make(chan struct{}, 1)}
	cfg := testConfig(counter)
	cfg.FlushPolicy = journal.FlushOS
	cfg.DefaultLogConfig.FlushMs = 1000
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 700, testTime.UnixMilli()))
	waitConfirmed(t, l)
	l.mu.Lock()
	waiting := l.waiting
	l.mu.Unlock()
	d.flushOld(testTime.Add(999 * time.Millisecond))
	l.mu.Lock()
	still := l.waiting
	l.mu.Unlock()
	if waiting != 1 || still != 1 {
		t.Fatalf("%d records wait, %d before their time", waiting, still)
	}
	for len(counter.synced) > 0 {
		<-counter.synced
	}
	d.flushOld(testTime.Add(time.Second))
	<-counter.synced
	if end := afterPowerLoss(t, disk, d); end != 1 {
		t.Fatalf("the log ends at %d", end)
	}
}
