package storage

import (
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestTheFirstTimestampIsLookedForAgain: a segment that could not be opened once is not without a timestamp for good.
func TestTheFirstTimestampIsLookedForAgain(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	cfg := testConfig(disk)
	d := openDir(t, cfg)
	appendTo(t, newLogIn(t, d), batchOf(1, 100, testTime.UnixMilli()))
	must(t, d.Close())
	d = openDir(t, cfg)
	s := d.Log("topic", 0).active()
	must(t, s.f.park())
	s.firstTime = firstTimeUnread
	disk.Add(vfs.Fault{Op: vfs.OpOpen, Path: logSuffix, Count: 1, Err: syscall.EMFILE})
	if at := s.firstTimestamp(); at != -1 {
		t.Errorf("%d without the file", at)
	}
	if at := s.firstTimestamp(); at != testTime.UnixMilli() {
		t.Errorf("%d with it, not %d", at, testTime.UnixMilli())
	}
	must(t, d.Close())
}
