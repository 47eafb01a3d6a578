package storage

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// slowSegments is a disk on which the syncs of one log's segments wait until done is closed.
type slowSegments struct {
	vfs.FS
	of   string
	done chan struct{}
}

func (s slowSegments) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := s.FS.Open(name, mode)
	if err != nil || !strings.Contains(name, s.of) || !strings.HasSuffix(name, logSuffix) {
		return f, err
	}
	return slowFile{f, s.done}, nil
}

type slowFile struct {
	vfs.File
	done chan struct{}
}

func (f slowFile) Sync() error {
	<-f.done
	return f.File.Sync()
}

// TestEpochsWaitForTheirFrame: a log start that waits behind a reference must be in the journal before the epochs below it leave the
// checkpoint file, or a crash takes it back and they are gone.
func TestEpochsWaitForTheirFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMemory(nil)
		slow := slowSegments{disk, "slow-0", make(chan struct{})}
		d := openDir(t, referenceConfig(slow))
		l := newLogIn(t, d)
		other, err := d.Create(TopicID{9}, "slow", 0, DefaultLogConfig())
		must(t, err)
		for epoch := range int32(3) {
			_, err := l.Append(batchOf(1, 10, testTime.UnixMilli()), AppendInfo{LeaderEpoch: epoch, Origin: Client})
			must(t, err)
		}
		synctest.Wait()
		must(t, l.Sync())
		large := batchOf(1, int(d.cfg.ReferenceBytes), testTime.UnixMilli())
		appendTo(t, other, append([]byte(nil), large...))
		_, err = l.Append(append([]byte(nil), large...), AppendInfo{LeaderEpoch: 2, Origin: Client})
		must(t, err)
		_, err = l.StartDeleteRecords(2)
		must(t, err)
		go func() { _ = l.Sync() }() // the crash may end it
		synctest.Wait()
		next := disk.Crash(1)
		close(slow.done)
		synctest.Wait()
		_ = d.Close() // without its disk
		d = openDir(t, referenceConfig(next))
		l = d.Log("topic", 0)
		epoch, ok := l.EpochAt(l.StartOffset())
		if want := int32(l.StartOffset()); !ok || epoch != want {
			t.Errorf("offset %d is of epoch %d, %t", l.StartOffset(), epoch, ok)
		}
		must(t, d.Close())
	})
}
