package storage

import (
	"errors"
	"path"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// durableBirths make a log whose directory was durable before a frame of the journal, append to it, and kill the process.
var durableBirths = map[string]func(t *testing.T) *vfs.Memory{
	"a reference to what was cut": func(t *testing.T) *vfs.Memory {
		disk := vfs.NewMemory(nil)
		d := openDir(t, missingConfig(disk))
		l := newLogIn(t, d)
		appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
		appendTo(t, l, batchOf(1, 5000, testTime.UnixMilli()))
		appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
		must(t, l.Truncate(1))
		appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
		waitConfirmed(t, l)
		if n := referencesIn(t, disk); n != 1 {
			t.Fatalf("%d references", n)
		}
		return killed(d, disk)
	},
	"a log that has moved here": func(t *testing.T) *vfs.Memory {
		disk := vfs.NewMemory(nil)
		cfg := missingConfig(disk)
		cfg.Dir = movedDir
		from, d := openDir(t, cfg), openDir(t, missingConfig(disk))
		l := newLogIn(t, from)
		appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
		l = moveTo(t, d, l)
		appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
		waitConfirmed(t, l)
		defer func() { _ = from.Close() }() // without its disk
		return killed(d, disk)
	},
}

func missingConfig(fsys vfs.FS) Config {
	cfg := referenceConfig(fsys)
	cfg.JournalFileBytes = 64 << 10
	return cfg
}

func killed(d *Directory, disk *vfs.Memory) *vfs.Memory {
	disk = disk.Kill()
	_ = d.Close() // without its disk
	return disk
}

// TestAForgottenDeletion: a deletion has renamed a log's directory, and the power loss took the frame that says so. What the journal
// still has of the log makes nothing of it anew.
func TestAForgottenDeletion(t *testing.T) {
	for name, birth := range durableBirths {
		t.Run(name, func(t *testing.T) {
			disk := birth(t)
			deleted := path.Join(testDir, retiredDirName("topic-0", deleteDirSuffix))
			must(t, disk.Rename(path.Join(testDir, "topic-0"), deleted))
			for range 2 {
				d := openDir(t, missingConfig(disk))
				if d.Log("topic", 0) != nil {
					t.Error("the log is there again")
				}
				disk = killed(d, disk)
			}
		})
	}
}

// TestALogWithoutItsIdentityIsNotRemoved: what the journal does not hold of it is nowhere else.
func TestALogWithoutItsIdentityIsNotRemoved(t *testing.T) {
	for name, birth := range durableBirths {
		t.Run(name, func(t *testing.T) {
			disk := birth(t)
			sibling := path.Join(testDir, retiredDirName("topic-1", deleteDirSuffix))
			must(t, disk.Mkdir(sibling)) // which has moved away, as an example
			must(t, writeIdentity(disk, sibling, identity{id: testTopic}))
			flipBit(t, disk, path.Join(testDir, "topic-0", metadataFile), 3)
			before := contents(t, disk, path.Join(testDir, "topic-0"))
			if _, err := Open(missingConfig(disk)); !errors.Is(err, ErrCorrupt) {
				t.Errorf("a start says %v", err)
			}
			flipBit(t, disk, path.Join(testDir, "topic-0", metadataFile), 3)
			if after := contents(t, disk, path.Join(testDir, "topic-0")); len(before) == 0 || len(after) != len(before) {
				t.Errorf("%d files, then %d", len(before), len(after))
			}
			d := openDir(t, missingConfig(disk))
			if end := d.Log("topic", 0).EndOffset(); end != 2 {
				t.Errorf("it ends at %d", end)
			}
			must(t, d.Close())
		})
	}
}
