package storage

import (
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestEpochsBeginWhereAReplayedLogBegins: a crash took the frame that says that the log's start rose, and not the removal of the segments
// below it, as it may where the policy is not to wait for the disk.
func TestEpochsBeginWhereAReplayedLogBegins(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	must(t, l.StartEpoch(1))
	for len(*l.segments.Load()) < 2 {
		appendTo(t, l, batchOf(1, 900, testTime.UnixMilli()))
	}
	waitConfirmed(t, l)
	next := disk.Kill()
	_ = d.Close() // without its disk
	files := wholeDisk(t, next)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(path.Base(name), "00") })
	files[l.active().name(logSuffix)] = "" // its entry was durable, its batches are in the journal alone
	next = diskOf(t, files)
	for range 2 {
		d = openDir(t, testConfig(next))
		l = d.Log("topic", 0)
		if l.StartOffset() == 0 || len(l.epochs.entries) != 1 || l.epochs.entries[0] != (epochStart{1, l.StartOffset()}) {
			t.Errorf("the epochs are %v, the log is %d to %d", l.epochs.entries, l.StartOffset(), l.EndOffset())
		}
		next = next.Kill()
		_ = d.Close() // without its disk
	}
}
