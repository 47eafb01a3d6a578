package storage

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestAnOfflineDirectoryKeepsNoFilesOpen: a sync that the cache needs before it closes a file fails. It is not tried again, and the other
// directory goes on with the cache that both share.
func TestAnOfflineDirectoryKeepsNoFilesOpen(t *testing.T) {
	faults := vfs.NewFaults(vfs.NewMemory(nil))
	faults.Add(vfs.Fault{Op: vfs.OpSync, Path: logSuffix, Count: 1, Err: syscall.EIO})
	calls := &recorder{FS: faults}
	cfg := testConfig(calls)
	var err error
	cfg.Cache, err = NewSegmentCache(CacheConfig{Files: MinCacheFiles})
	must(t, err)
	failing := openDir(t, cfg)
	cfg.Dir = movedDir
	other := openDir(t, cfg)
	fill := func(d *Directory, done func() bool) {
		for i := byte(1); !done(); i++ {
			l, err := d.Create(TopicID{i}, fmt.Sprint("topic", i), 0, d.cfg.DefaultLogConfig)
			if err == nil {
				_, err = l.Append(batchOf(1, 100, testTime.UnixMilli()), client())
			}
			if err != nil && d.Err() == nil || i == 255 {
				t.Fatalf("topic %d: %v", i, err)
			}
		}
	}
	fill(failing, func() bool { return failing.Err() != nil })
	n := 0
	fill(other, func() bool { n++; return n > 40 })
	must(t, other.Err())
	if failed := failedCalls(t, calls.noted()); failed != 1 {
		t.Errorf("%d calls failed", failed)
	}
	until(t, "no more files are open than may be", func() bool { return cfg.Cache.openFiles.Load() <= MinCacheFiles })
	if failing.Close() == nil {
		t.Error("the directory that failed was stopped cleanly")
	}
	must(t, other.Close())
}
