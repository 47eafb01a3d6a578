package storage

import (
	"errors"
	"maps"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestTimeIndexAfterACleanStopIsThatOfARecovery: a recovery ends the time index with the largest timestamp so far. When the segment
// goes on, that entry must not stay between the others, or a later recovery would leave other bytes than the clean stop.
func TestTimeIndexAfterACleanStopIsThatOfARecovery(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
	waitConfirmed(t, l)
	next := disk.Kill()
	_ = d.Close() // without its disk
	d = openDir(t, testConfig(next))
	appendTo(t, d.Log("topic", 0), batchOf(1, 10, testTime.UnixMilli()+5))
	must(t, d.Close())
	var files [2]map[string]string
	for i := range files {
		d = openDir(t, testConfig(next))
		next = next.Kill()
		_ = d.Close() // without its disk
		files[i] = contents(t, next, testDir)
	}
	if !maps.Equal(files[0], files[1]) {
		t.Fatal("the recovery changed what the clean stop left")
	}
}

// TestAFailedSyncFailsForAll: a checkpoint meets a failed sync, and a reference that waits for the same file must not take it for
// done.
func TestAFailedSyncFailsForAll(t *testing.T) {
	failures := []error{syscall.EMFILE, nil, syscall.EIO}
	u := newUnsynced(func() error {
		err := failures[0]
		failures = failures[1:]
		return err
	})
	u.change()
	if err := u.Sync(); !errors.Is(err, syscall.EMFILE) {
		t.Fatal(err)
	}
	must(t, u.Sync()) // what only lacked a file is tried again
	must(t, u.Sync()) // nothing to do
	u.change()
	for range 2 {
		if err := u.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatalf("a sync after one that has failed: %v", err)
		}
	}
}
