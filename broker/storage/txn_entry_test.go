package storage

import (
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// onceOnSync is a disk that calls something, once it is set, before a segment is synced.
type onceOnSync struct {
	vfs.FS
	next once
}

func (o *onceOnSync) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := o.FS.Open(name, mode)
	if err != nil || !strings.HasSuffix(name, logSuffix) {
		return f, err
	}
	return onceSynced{f, o}, nil
}

type onceSynced struct {
	vfs.File
	disk *onceOnSync
}

func (f onceSynced) Sync() error {
	f.disk.next.run()
	return f.File.Sync()
}

// TestATransactionIndexThatAFlushHasNotSeen: an append makes the file while a checkpoint is at work, which syncs it, but not its name.
// The next checkpoint takes for durable what it holds.
func TestATransactionIndexThatAFlushHasNotSeen(t *testing.T) {
	for seed := range uint64(20) {
		memory := vfs.NewMemory(nil)
		disk := &onceOnSync{FS: memory}
		cfg := testConfig(disk)
		cfg.DefaultLogConfig.SegmentBytes = 1 << 20
		d := openDir(t, cfg)
		l := newLogIn(t, d)
		add := func(epoch int32) {
			_, err := l.Append(batchOf(1, 1, testTime.UnixMilli()), AppendInfo{LeaderEpoch: epoch, Origin: Client})
			must(t, err)
			waitConfirmed(t, l)
			must(t, d.Checkpoint())
		}
		add(1)
		must(t, d.Checkpoint()) // makes the side-car
		add(2)                  // makes its name durable, for that of the epochs' file
		made := make(chan []AbortedTransaction, 1)
		disk.next.set(func() { made <- abortTxns(t, l, txnPage) })
		add(2)
		waitConfirmed(t, l)
		must(t, d.Checkpoint())
		must(t, d.Checkpoint())
		want := <-made
		cfg.FS = memory.Crash(seed)
		_ = d.Close() // without power
		d = openDir(t, cfg)
		l = d.Log("topic", 0)
		if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) {
			t.Fatalf("seed %d: after the crash %d of %d are aborted", seed, len(got), len(want))
		}
		must(t, d.Close())
	}
}
