package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// referenceConfig sends batches of 4 KiB round the journal.
func referenceConfig(fsys vfs.FS) Config {
	cfg := testConfig(fsys)
	cfg.ReferenceBytes = 4 << 10
	cfg.DefaultLogConfig.SegmentBytes = 64 << 10
	return cfg
}

// referencesIn counts the references in the journal of a directory.
func referencesIn(t *testing.T, fsys vfs.FS) (references int) {
	t.Helper()
	r, err := journal.Read(fsys, testDir)
	must(t, err)
	must(t, r.Each(func(f *journal.Frame) error {
		if f.Type == journal.Reference {
			references++
		}
		return nil
	}))
	return references
}

// mixed appends small and large batches in turn and returns all of them.
func mixed(t *testing.T, l *Log, n int, r *rand.Rand) (all []byte) {
	t.Helper()
	for range n {
		b := batchOf(1+r.IntN(3), r.IntN(6000), testTime.UnixMilli())
		appendTo(t, l, b)
		all = append(all, b...)
	}
	return all
}

func TestReferencesAreReplayed(t *testing.T) {
	for seed := range uint64(40) {
		disk := vfs.NewMemory(nil)
		d := openDir(t, referenceConfig(disk))
		l := newLogIn(t, d)
		r := rand.New(rand.NewPCG(seed, 5))
		want := mixed(t, l, 100, r)
		waitConfirmed(t, l)
		next := disk.Crash(seed)
		_ = d.Close() // without power
		if n := referencesIn(t, next); n < 20 {
			t.Fatalf("seed %d: %d references", seed, n)
		}
		d = openDir(t, referenceConfig(next))
		l = d.Log("topic", 0)
		if l == nil || !bytes.Equal(readAll(t, l), want) {
			t.Fatalf("seed %d: confirmed records are gone", seed)
		}
		must(t, d.Close())
	}
}

// TestReferencesAndTruncation: what a truncation takes is not missed, what it leaves is there.
func TestReferencesAndTruncation(t *testing.T) {
	for seed := range uint64(60) {
		disk := vfs.NewMemory(nil)
		d := openDir(t, referenceConfig(disk))
		l := newLogIn(t, d)
		r := rand.New(rand.NewPCG(seed, 6))
		for range 4 {
			mixed(t, l, 20, r)
			must(t, l.Truncate(r.Int64N(l.EndOffset()+1)))
		}
		mixed(t, l, 5, r)
		want := readAll(t, l)
		waitConfirmed(t, l)
		next := disk.Crash(seed)
		_ = d.Close() // without power
		d = openDir(t, referenceConfig(next))
		if !bytes.Equal(readAll(t, d.Log("topic", 0)), want) {
			t.Fatalf("seed %d: the log is not what it was", seed)
		}
		must(t, d.Close())
	}
}

// TestDamagedReference: a batch that only its segment holds is missed, whatever byte of it is damaged, and nothing is cut.
func TestDamagedReference(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, referenceConfig(disk))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
	appendTo(t, l, batchOf(1, 5000, testTime.UnixMilli()))
	waitConfirmed(t, l)
	size := l.Size()
	disk = disk.Crash(1)
	_ = d.Close() // without power
	name := path.Join(testDir, "topic-0", offsetName(0, logSuffix))
	for at := range size {
		flipBit(t, disk, name, at)
		if _, err := Open(referenceConfig(disk)); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d is damaged: %v", at, err)
		}
		flipBit(t, disk, name, at)
	}
	d = openDir(t, referenceConfig(disk))
	if d.Log("topic", 0).EndOffset() != 2 {
		t.Fatalf("the log ends at %d", d.Log("topic", 0).EndOffset())
	}
	must(t, d.Close())
}

// TestLargerThanTheJournal: segment.bytes and max.message.bytes alone bound a batch, under every flush policy.
func TestLargerThanTheJournal(t *testing.T) {
	for _, policy := range []journal.FlushPolicy{journal.FlushAcks, journal.FlushInterval, journal.FlushOS} {
		t.Run(policy.String(), func(t *testing.T) {
			disk := vfs.NewMemory(nil)
			cfg := testConfig(disk)
			cfg.FlushPolicy, cfg.JournalFileBytes = policy, 64<<10
			cfg.DefaultLogConfig.SegmentBytes, cfg.DefaultLogConfig.MaxMessageBytes = 4<<20, 4<<20
			d := openDir(t, cfg)
			l := newLogIn(t, d)
			var want []byte
			for i, size := range []int{100, 1 << 20, 100, 2 << 20} {
				b := batchOf(1, size, testTime.UnixMilli()+int64(i))
				appendTo(t, l, b)
				want = append(want, b...)
			}
			waitConfirmed(t, l)
			next := disk.Kill()
			_ = d.Close() // without its disk
			if n := referencesIn(t, next); n != 2 {
				t.Fatalf("%d references", n)
			}
			cfg.FS = next
			d = openDir(t, cfg)
			if !bytes.Equal(readAll(t, d.Log("topic", 0)), want) {
				t.Fatal("the log is not what it was")
			}
			must(t, d.Close())
		})
	}
}

// TestDeletionBehindReferences: a log that is deleted while batches wait for their segment stays deleted, and a new one of its
// name and id is not taken for it.
func TestDeletionBehindReferences(t *testing.T) {
	for seed := range uint64(40) {
		disk := vfs.NewMemory(nil)
		d := openDir(t, referenceConfig(disk))
		r := rand.New(rand.NewPCG(seed, 7))
		for range 3 {
			l := newLogIn(t, d)
			mixed(t, l, 1+r.IntN(10), r)
			must(t, d.Delete(testTopic, 0))
		}
		l := newLogIn(t, d)
		want := mixed(t, l, 3, r)
		waitConfirmed(t, l)
		next := disk.Crash(seed)
		if seed%2 == 0 {
			next = disk.Kill()
		}
		_ = d.Close() // without its disk
		d = openDir(t, referenceConfig(next))
		if l := d.Log("topic", 0); l == nil || !bytes.Equal(readAll(t, l), want) {
			t.Fatalf("seed %d: the log is not what it was", seed)
		}
		must(t, d.Close())
	}
}

// TestLostDeletion: the kill has taken the frame of a deletion whose directory has its new name.
func TestLostDeletion(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, referenceConfig(disk))
	l := newLogIn(t, d)
	mixed(t, l, 10, rand.New(rand.NewPCG(1, 8)))
	waitConfirmed(t, l)
	disk = disk.Kill()
	_ = d.Close() // without its disk
	from := path.Join(testDir, "topic-0")
	must(t, disk.Rename(from, path.Join(testDir, retiredDirName("topic-0", deleteDirSuffix))))
	for range 2 {
		d = openDir(t, referenceConfig(disk))
		if l := d.Log("topic", 0); l != nil {
			t.Fatalf("the deleted log is back, %d to %d", l.StartOffset(), l.EndOffset())
		}
		must(t, d.Close())
	}
}

// TestFailedSegmentSync: a batch whose segment can not be synced is not confirmed, and the directory goes offline.
func TestFailedSegmentSync(t *testing.T) {
	eio := errors.New("input/output error")
	faults := vfs.NewFaults(vfs.NewMemory(nil))
	d := openDir(t, referenceConfig(faults))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 100, testTime.UnixMilli()))
	waitConfirmed(t, l)
	faults.Add(vfs.Fault{Op: vfs.OpSync, Path: logSuffix, Count: 1, Err: eio})
	appendTo(t, l, batchOf(1, 5000, testTime.UnixMilli()))
	<-d.Failed()
	if !errors.Is(d.Err(), eio) || l.Confirmed() != 1 {
		t.Fatalf("%d is confirmed, offline because of %v", l.Confirmed(), d.Err())
	}
	if _, err := l.Append(batchOf(1, 100, testTime.UnixMilli()), client()); !errors.Is(err, eio) {
		t.Fatalf("an append after the failure: %v", err)
	}
	if err := d.Close(); !errors.Is(err, eio) {
		t.Fatalf("Close: %v", err)
	}
}

func TestReferencePayload(t *testing.T) {
	good := reference{base: 10, last: 12, size: 100, crc: 7, segment: 10, position: 3}
	f := &journal.Frame{Type: journal.Reference, BaseOffset: 10, Payload: good.payload()}
	if got, err := parseReference(f); err != nil || got != good {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, bad := range []reference{
		{base: 10, last: 9, size: 100, segment: 10},
		{base: 10, last: 12, size: 60, segment: 10},
		{base: 10, last: 12, size: 100, segment: 11},
		{base: 10, last: 12, size: 100, segment: 10, position: 1 << 31},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			if _, err := parseReference(&journal.Frame{BaseOffset: 10, Payload: bad.payload()}); !errors.Is(err, journal.ErrCorrupt) {
				t.Fatalf("%+v: %v", bad, err)
			}
		})
	}
}

// TestJournalIsRecycledUnderLoad: a hundred times what the journal may hold goes through it, and it does not grow.
func TestJournalIsRecycledUnderLoad(t *testing.T) {
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.JournalFileBytes, cfg.CheckpointBytes = 64<<10, 128<<10
	cfg.DefaultLogConfig.SegmentBytes = 1 << 20
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	for range 1600 {
		appendTo(t, l, batchOf(1, 8000, testTime.UnixMilli()))
	}
	waitConfirmed(t, l)
	entries, err := disk.List(testDir)
	must(t, err)
	files := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "chronik.journal.") {
			files++
		}
	}
	if files > 12 {
		t.Fatalf("%d journal files", files)
	}
	must(t, d.Close())
}
