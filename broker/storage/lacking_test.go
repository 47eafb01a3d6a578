package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestTooManyOpenFilesAnywhere is TestNoSpaceAnywhere for files that can not be opened, two at a time or one.
func TestTooManyOpenFilesAnywhere(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"topic-0", "-checkpoint", "chronik.journal."} {
		for skip := range 60 {
			fault := vfs.Fault{Op: vfs.OpOpen, Path: file, Skip: skip, Count: 1 + skip%2, Err: syscall.EMFILE}
			t.Run(fmt.Sprintf("%s %d", file, skip), func(t *testing.T) { noSpaceAt(t, fault, uint64(skip)) })
		}
	}
}

// lackingFaults are calls on the files of a log that fail once.
func lackingFaults(opens, renames int) (faults []vfs.Fault) {
	for skip := range opens {
		faults = append(faults, vfs.Fault{Op: vfs.OpOpen, Path: "topic-0", Skip: skip, Count: 1, Err: syscall.EMFILE})
	}
	for skip := range renames {
		faults = append(faults, vfs.Fault{Op: vfs.OpRename, Path: "topic-0", Skip: skip, Count: 1, Err: syscall.ENOSPC})
	}
	return faults
}

// TestRetentionGoesOnWhenItLacksSomething has each call of retention fail once: what could not be done is done by the next one.
func TestRetentionGoesOnWhenItLacksSomething(t *testing.T) {
	for i, fault := range lackingFaults(12, 30) {
		t.Run(fmt.Sprintf("%d %v", i, fault.Err), func(t *testing.T) {
			memory := vfs.NewMemory(nil)
			disk := vfs.NewFaults(memory)
			cfg := testConfig(disk)
			cfg.DefaultLogConfig.RetentionMs = 1000
			d := openDir(t, cfg)
			l := newLogIn(t, d)
			for i := range 100 {
				appendTo(t, l, batchOf(2, 300, testTime.UnixMilli()+int64(i)))
			}
			waitConfirmed(t, l)
			disk.Add(fault)
			until(t, "retention is done", func() bool {
				must(t, d.Err())
				_, err := l.Retain(testTime.Add(time.Hour), l.EndOffset())
				if err != nil && !errors.Is(err, fault.Err) {
					t.Fatal(err)
				}
				return l.StartOffset() == l.EndOffset()
			})
			must(t, d.Err())
			disk.Clear()
			if left := logsIn(t, memory, l.path); len(left) != 1 {
				t.Errorf("%v are left", left)
			}
			more := batchOf(1, 10, testTime.UnixMilli())
			appendTo(t, l, more)
			waitConfirmed(t, l)
			start := l.StartOffset()
			memory = memory.Crash(uint64(i))
			_ = d.Close() // without power
			d = openDir(t, testConfig(memory))
			if l = d.Log("topic", 0); l.StartOffset() != start || !bytes.Equal(readAll(t, l), more) {
				t.Errorf("a crash leaves the offsets %d to %d", l.StartOffset(), l.EndOffset())
			}
			must(t, d.Close())
		})
	}
}

// logsIn lists the segments in force.
func logsIn(t *testing.T, fsys vfs.FS, dir string) (names []string) {
	t.Helper()
	list, err := fsys.List(dir)
	must(t, err)
	for _, e := range list {
		if strings.HasSuffix(e.Name, logSuffix) {
			names = append(names, e.Name)
		}
	}
	return names
}

// TestCompactionGoesOnWhenItLacksSomething has each call of a round fail once: the next round does what that one could not.
func TestCompactionGoesOnWhenItLacksSomething(t *testing.T) {
	t.Parallel()
	var want []string
	faults := append([]vfs.Fault{{Op: vfs.OpMkdir, Path: "none", Err: syscall.EIO}}, lackingFaults(40, 60)...)
	for i, fault := range faults {
		t.Run(fmt.Sprintf("%d %v", i, fault.Err), func(t *testing.T) {
			memory := vfs.NewMemory(nil)
			disk := vfs.NewFaults(memory)
			d := openDir(t, compactConfig(disk))
			l := newLogIn(t, d)
			for i := range 300 {
				appendTo(t, l, keyed(fmt.Sprint("key ", i%7), fmt.Sprint("value ", i)))
			}
			waitConfirmed(t, l)
			must(t, d.Checkpoint())
			c := testCleaner(t, d, d.cfg.Clock)
			disk.Add(fault)
			until(t, "a round is through", func() bool {
				must(t, errors.Join(d.Err(), c.failed[l]))
				return c.Clean(context.Background())
			})
			must(t, d.Err())
			disk.Clear()
			if want == nil {
				want = survivors(t, l)
			}
			check := func(l *Log) {
				t.Helper()
				if got := survivors(t, l); !slices.Equal(got, want) {
					t.Errorf("compaction left\n%v\nand not\n%v", got, want)
				}
			}
			check(l)
			memory = memory.Crash(uint64(i))
			_ = d.Close() // without power
			d = openDir(t, compactConfig(memory))
			check(d.Log("topic", 0))
			must(t, d.Close())
		})
	}
}

// TestADeletionWithoutSpaceForANameIsRefused: the log goes on, and the next try deletes it.
func TestADeletionWithoutSpaceForANameIsRefused(t *testing.T) {
	memory := vfs.NewMemory(nil)
	disk := vfs.NewFaults(memory)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	b := batchOf(1, 10, 1)
	appendTo(t, l, b)
	disk.Add(vfs.Fault{Op: vfs.OpRename, Path: l.path, Count: 2, Err: syscall.ENOSPC})
	if err := d.Delete(testTopic, 0); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	must(t, d.Err())
	if !bytes.Equal(readAll(t, l), b) || d.Log("topic", 0) != l {
		t.Error("the log is not as it was")
	}
	disk.Add(vfs.Fault{Op: vfs.OpRename, Path: l.path, Count: 1, Err: syscall.ENOSPC})
	must(t, d.Delete(testTopic, 0))
	if d.Log("topic", 0) != nil {
		t.Error("the log is there")
	}
	must(t, d.Close())
}

// TestDeletedPartitionsAreRemovedWhenThereAreFilesAgain: that they are deleted has to be durable before their files go.
func TestDeletedPartitionsAreRemovedWhenThereAreFilesAgain(t *testing.T) {
	memory := vfs.NewMemory(nil)
	disk := vfs.NewFaults(memory)
	d := openDir(t, testConfig(disk))
	left := func() (names []string) {
		t.Helper()
		list, err := memory.List(testDir)
		must(t, err)
		for _, e := range list {
			if e.Dir {
				names = append(names, e.Name)
			}
		}
		return names
	}
	later := testTime.Add(time.Hour)
	for tries := 0; len(left()) == 0; tries++ {
		if tries == 10 {
			t.Fatal("the partition was removed without a file")
		}
		newLogIn(t, d)
		must(t, d.Delete(testTopic, 0))
		disk.Add(vfs.Fault{Op: vfs.OpOpen, Path: testDir, Whole: true, Count: 1, Err: syscall.EMFILE}) // the journal's first new file may take it
		d.reap(later)
		must(t, d.Err())
	}
	if disk.Pending() != 0 || len(left()) != 1 {
		t.Fatalf("%v are left, and %d calls to fail", left(), disk.Pending())
	}
	d.reap(later)
	if len(left()) != 0 {
		t.Errorf("%v are left", left())
	}
	must(t, d.Close())
}
