package storage

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// onceOnRead is a disk that calls something, once it is set, after a read of a segment.
type onceOnRead struct {
	vfs.FS
	next once
}

func (o *onceOnRead) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := o.FS.Open(name, mode)
	if err != nil || !strings.HasSuffix(name, logSuffix) {
		return f, err
	}
	return onceReadFile{f, o}, nil
}

type onceReadFile struct {
	vfs.File
	disk *onceOnRead
}

func (f onceReadFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.disk.next.run()
	return n, err
}

// TestRetentionBetweenRecordsAndWhatWasAborted removes the segment that was read before it is asked what was aborted of it.
func TestRetentionBetweenRecordsAndWhatWasAborted(t *testing.T) {
	disk := &onceOnRead{FS: vfs.NewMemory(nil)}
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	abortTxns(t, l, 200)
	waitConfirmed(t, l)
	disk.next.set(func() {
		must(t, l.DeleteRecordsBefore(l.EndOffset()-1))
		if n, err := l.Retain(testTime, l.EndOffset()); n == 0 || err != nil {
			t.Errorf("%d segments were removed: %v", n, err)
		}
	})
	data, aborted, err := l.ReadWithAborted(0, 1000, l.EndOffset(), true, nil)
	if wire.CodeOf(err) != wire.OffsetOutOfRange {
		t.Errorf("%d bytes are read, of which %d transactions are aborted, %v", len(data), len(aborted), err)
	}
	must(t, d.Close())
}
