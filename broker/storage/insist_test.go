package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// cutLog is a log of some segments, with a producer, that was stopped cleanly.
func cutLog(t *testing.T, disk vfs.FS) (batches [][]byte) {
	t.Helper()
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	add := func(b []byte) {
		appendTo(t, l, b)
		batches = append(batches, b)
	}
	for i := range int32(60) {
		add(idempotent(1, 0, i))
		add(batchOf(1, 900, testTime.UnixMilli()+int64(i)))
	}
	waitConfirmed(t, l)
	if len(*l.segments.Load()) < 3 {
		t.Fatal("the log has too few segments")
	}
	must(t, d.Close())
	return batches
}

// TestATruncationGoesOnWhenItLacksFiles has each file that a truncation opens not be opened at first. Before its frame is written it
// is refused and nothing is cut; then there is no way back, and it waits. The directory stays online.
func TestATruncationGoesOnWhenItLacksFiles(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(l *Log, to int64) error{
		"truncate":                func(l *Log, to int64) error { return l.Truncate(to) },
		"below the first segment": func(l *Log, _ int64) error { return l.Truncate(0) },
		"reset":                   func(l *Log, to int64) error { return l.Reset(to) },
	} {
		for skip := range 40 {
			t.Run(fmt.Sprint(name, skip), func(t *testing.T) {
				memory := vfs.NewMemory(nil)
				batches := cutLog(t, memory)
				disk := vfs.NewFaults(memory)
				d := openDir(t, testConfig(disk))
				l := d.Log("topic", 0)
				const to = 17
				if name == "below the first segment" {
					must(t, l.DeleteRecordsBefore((*l.segments.Load())[1].base))
					_, err := l.Retain(testTime, l.EndOffset())
					must(t, err)
				}
				disk.Add(vfs.Fault{Op: vfs.OpOpen, Path: "topic-0", Skip: skip, Count: 3, Err: syscall.EMFILE})
				until(t, "the truncation is done", func() bool {
					err := cut(l, to)
					if err != nil && !errors.Is(err, syscall.EMFILE) {
						t.Fatal(err)
					}
					must(t, d.Err())
					return err == nil
				})
				disk.Clear()
				var want []byte
				end := int64(to)
				switch name {
				case "truncate":
					want = bytes.Join(batches[:to], nil)
				case "reset":
				default:
					end = 0
				}
				if l.EndOffset() != end || !bytes.Equal(readAll(t, l), want) {
					t.Fatalf("the log is %d to %d", l.StartOffset(), l.EndOffset())
				}
				for i := range 30 {
					b := batchOf(1, 900, testTime.UnixMilli()+int64(i))
					appendTo(t, l, b)
					want = append(want, b...)
				}
				waitConfirmed(t, l)
				verifyAfterCut(t, d, memory, skip%2 == 1, want)
			})
		}
	}
}

// verifyAfterCut looks at what a power loss leaves of a log, or verifies what a clean stop leaves.
func verifyAfterCut(t *testing.T, d *Directory, memory *vfs.Memory, crash bool, want []byte) {
	t.Helper()
	if crash {
		memory = memory.Crash(uint64(len(want)))
		_ = d.Close() // without power
	} else {
		must(t, d.Close())
		report, err := Verify(t.Context(), memory, testDir)
		must(t, err)
		if len(report.Findings) > 0 {
			t.Errorf("found %v", report.Findings)
		}
	}
	d = openDir(t, testConfig(memory))
	if !bytes.Equal(readAll(t, d.Log("topic", 0)), want) {
		t.Error("the next start finds something else")
	}
	must(t, d.Close())
}

// TestTheEndOfASwapWaitsForSpace: when the old segments are out there is no way back, and the reserve does not help.
func TestTheEndOfASwapWaitsForSpace(t *testing.T) {
	for skip := range 3 {
		memory := vfs.NewMemory(nil)
		disk := vfs.NewFaults(memory)
		d := openDir(t, compactConfig(disk))
		l := fillLog(t, d, 1, "topic", 300)
		want := newest(t, l)
		must(t, d.Checkpoint())
		disk.Add(vfs.Fault{Op: vfs.OpRename, Path: swapSuffix, Skip: skip, Count: 4, Err: syscall.ENOSPC})
		c := testCleaner(t, d, d.cfg.Clock)
		if !c.Clean(context.Background()) || disk.Pending() > 0 {
			t.Fatalf("no round, or no rename failed: %v", errors.Join(d.Err(), c.failed[l]))
		}
		must(t, d.Err())
		crashed := memory.Crash(uint64(skip))
		_ = d.Close() // without power
		d = openDir(t, compactConfig(crashed))
		if got := newest(t, d.Log("topic", 0)); !maps.Equal(got, want) {
			t.Errorf("a power loss leaves %v of %v", got, want)
		}
		must(t, d.Close())
	}
}

// TestAStopDoesNotWaitForSpace: a swap that waits for it is ended by the next start.
func TestAStopDoesNotWaitForSpace(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	d := openDir(t, compactConfig(disk))
	l := fillLog(t, d, 1, "topic", 300)
	want := newest(t, l)
	must(t, d.Checkpoint())
	disk.Add(vfs.Fault{Op: vfs.OpRename, Path: logSuffix + swapSuffix, Err: syscall.ENOSPC})
	ended := make(chan bool, 1)
	c := testCleaner(t, d, d.cfg.Clock)
	go func() { ended <- c.Clean(context.Background()) }()
	until(t, "the rename fails", func() bool { return d.Full() != nil })
	if err := d.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a clean stop: %v", err)
	}
	if <-ended {
		t.Error("the round has ended well")
	}
	disk.Clear()
	d = openDir(t, compactConfig(disk))
	if got := newest(t, d.Log("topic", 0)); !maps.Equal(got, want) {
		t.Errorf("the start finds %v and not %v", got, want)
	}
	must(t, d.Close())
}
