package storage

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// onceOnWrite is a disk that calls something before the first write to a file of a directory.
type onceOnWrite struct {
	vfs.FS
	to   string
	next once
}

func (o *onceOnWrite) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := o.FS.Open(name, mode)
	if err != nil || !strings.HasPrefix(name, o.to) || !strings.HasSuffix(name, logSuffix) {
		return f, err
	}
	return onceFile{f, o}, nil
}

type onceFile struct {
	vfs.File
	disk *onceOnWrite
}

func (f onceFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.next.run()
	return f.File.WriteAt(p, off)
}

// TestRetentionOvertakesAMove: the segment that is being copied goes, and the move has to say that it may begin anew.
func TestRetentionOvertakesAMove(t *testing.T) {
	disk := &onceOnWrite{FS: vfs.NewMemory(nil), to: movedDir}
	from, to := twoDirectories(t, disk)
	l := newLogIn(t, from)
	for range 100 {
		appendTo(t, l, keyed("key", strings.Repeat("v", 400)))
	}
	m, err := to.StartMove(l)
	must(t, err)
	disk.next.set(func() {
		must(t, l.DeleteRecordsBefore(90))
		if n, err := l.Retain(testTime, l.EndOffset()); n == 0 || err != nil {
			t.Errorf("%d segments were removed: %v", n, err)
		}
	})
	if err := m.Copy(context.Background()); !errors.Is(err, ErrMoveOvertaken) {
		t.Errorf("the copy ends with %v", err)
	}
	must(t, m.Abandon())
	if moved := moveTo(t, to, l); moved.StartOffset() != 90 || moved.EndOffset() != 100 {
		t.Errorf("the copy is from %d to %d", moved.StartOffset(), moved.EndOffset())
	}
	must(t, from.Close())
	must(t, to.Close())
}

// TestAMoveDoesNotBlessDamage: neither the checksum of a batch nor that of the copy's side-car would tell of a leader epoch, or of an
// offset, that has changed on the old disk.
func TestAMoveDoesNotBlessDamage(t *testing.T) {
	for _, at := range []int64{5, 15} {
		disk := vfs.NewMemory(nil)
		from, to := twoDirectories(t, disk)
		l := newLogIn(t, from)
		for range 100 {
			appendTo(t, l, keyed("key", "value"))
		}
		must(t, from.Close())
		flipBit(t, disk, path.Join(testDir, "topic-0", offsetName(0, logSuffix)), at)
		from = openDir(t, from.cfg)
		m, err := to.StartMove(from.Log("topic", 0))
		must(t, err)
		if err := m.Copy(context.Background()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the byte at %d is not as it was, and the copy ends with %v", at, err)
		}
		must(t, m.Abandon())
		must(t, from.Close())
		must(t, to.Close())
	}
}
