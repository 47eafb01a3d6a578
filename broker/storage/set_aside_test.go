package storage

import (
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestWhatIsSetAsideKeepsItsFiles(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	defer func() { _ = d.Close() }()
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(3, 100, testTime.UnixMilli()))
	size := l.Size()
	name, err := d.SetAside(testTopic, 0)
	must(t, err)
	if d.Log("topic", 0) != nil || !strings.HasSuffix(name, strayDirSuffix) {
		t.Errorf("it is set aside as %s, and still there: %v", name, d.Log("topic", 0) != nil)
	}
	if _, err := d.SetAside(testTopic, 0); wire.CodeOf(err) != wire.UnknownTopicOrPartition {
		t.Errorf("again: %v", err)
	}
	if _, err := l.Append(batchOf(1, 10, testTime.UnixMilli()), client()); wire.CodeOf(err) != wire.UnknownTopicOrPartition {
		t.Errorf("append: %v", err)
	}
	other := TopicID{9}
	fresh, err := d.Create(other, "topic", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	appendTo(t, fresh, batchOf(1, 10, testTime.UnixMilli()))
	waitConfirmed(t, fresh)
	for _, next := range []*vfs.Memory{disk.Crash(1), disk.Crash(2), disk.Kill()} {
		after := openDir(t, testConfig(next))
		if l := after.Log("topic", 0); l == nil || l.TopicID() != other || l.EndOffset() != 1 {
			t.Error("the new log of the name is lost")
		}
		info, err := vfs.Stat(next, path.Join(name, offsetName(0, logSuffix)))
		if err != nil || info.Size != size {
			t.Errorf("the stray has %d bytes in place of %d: %v", info.Size, size, err)
		}
		must(t, after.Close())
	}
}
