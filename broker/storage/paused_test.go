package storage

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// comesBack fails unless a call comes back while what it might wait for does not come.
func comesBack(t *testing.T, what string, call func() error) error {
	t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- call() }()
	select {
	case err := <-answer:
		return err
	case <-time.After(20 * time.Second):
		t.Fatalf("%s waits", what)
		return nil
	}
}

// refusesWhilePaused fails unless a log in the midst of a change says so to all who come, and holds up nothing else of its directory.
func refusesWhilePaused(t *testing.T, l, other *Log) {
	t.Helper()
	for what, call := range map[string]func() error{
		"an append": func() error {
			_, err := l.Append(batchOf(1, 1, testTime.UnixMilli()), client())
			return err
		},
		"a read": func() error {
			_, err := l.Read(l.StartOffset(), 1000, l.EndOffset(), true, nil)
			return err
		},
		"a search by timestamp": func() error {
			_, _, err := l.OffsetForTimestamp(testTime.UnixMilli(), l.EndOffset())
			return err
		},
		"a deletion of records": func() error { return l.DeleteRecordsBefore(1) },
		"an epoch":              func() error { return l.StartEpoch(9) },
	} {
		if err := comesBack(t, what, call); wire.CodeOf(err) != wire.KafkaStorageError || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := comesBack(t, "a checkpoint", l.d.Checkpoint); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a checkpoint: %v", err)
	}
	must(t, comesBack(t, "retention", func() error {
		_, err := l.Retain(testTime, l.EndOffset())
		return err
	}))
	must(t, comesBack(t, "a read of another log", func() error {
		_, err := other.Read(0, 1000, other.EndOffset(), true, nil)
		return err
	}))
	must(t, comesBack(t, "retention of another log", func() error {
		_, err := other.Retain(testTime.Add(30*24*time.Hour), other.EndOffset())
		return err
	}))
	must(t, l.d.Err())
}

// besides makes another log in a directory.
func besides(t *testing.T, d *Directory) *Log {
	t.Helper()
	l, err := d.Create(TopicID{9}, "other", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	appendTo(t, l, batchOf(1, 1, testTime.UnixMilli()))
	waitConfirmed(t, l)
	return l
}

// TestATruncationThatWaitsHoldsNobodyUp: it has no way back, and the space may come late.
func TestATruncationThatWaitsHoldsNobodyUp(t *testing.T) {
	const to = 17
	for what, fault := range map[string]vfs.Fault{
		"cutting the batches": {Op: vfs.OpTruncate, Path: logSuffix, Err: syscall.ENOSPC},
		"cutting an index":    {Op: vfs.OpTruncate, Path: offsetSuffix, Err: syscall.ENOSPC},
	} {
		t.Run(what, func(t *testing.T) {
			memory := vfs.NewMemory(nil)
			batches := cutLog(t, memory)
			disk := vfs.NewFaults(memory)
			d := openDir(t, testConfig(disk))
			l, other := d.Log("topic", 0), besides(t, d)
			disk.Add(fault)
			done := make(chan error, 1)
			go func() { done <- l.Truncate(to) }()
			until(t, "the truncation waits", func() bool {
				l.mu.Lock()
				defer l.mu.Unlock()
				return l.paused != nil
			})
			refusesWhilePaused(t, l, other)
			disk.Clear()
			must(t, <-done)
			want := bytes.Join(batches[:to], nil)
			if !bytes.Equal(readAll(t, l), want) {
				t.Error("the log is not what it was up to the cut")
			}
			until(t, "records are taken again", func() bool { return d.Full() == nil })
			b := batchOf(1, 900, testTime.UnixMilli())
			appendTo(t, l, b)
			waitConfirmed(t, l)
			verifyAfterCut(t, d, memory, what == "cutting an index", append(want, b...))
		})
	}
}

// TestASwapThatWaitsHoldsNobodyUp is the same for a compacted segment that takes its place.
func TestASwapThatWaitsHoldsNobodyUp(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	d := openDir(t, compactConfig(disk))
	l, other := fillLog(t, d, 1, "topic", 300), besides(t, d)
	want := newest(t, l)
	must(t, d.Checkpoint())
	disk.Add(vfs.Fault{Op: vfs.OpRename, Path: logSuffix + swapSuffix, Err: syscall.ENOSPC})
	ended := make(chan bool, 1)
	c := testCleaner(t, d, d.cfg.Clock)
	go func() { ended <- c.Clean(context.Background()) }()
	until(t, "the swap waits", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.paused != nil
	})
	refusesWhilePaused(t, l, other)
	disk.Clear()
	if !<-ended {
		t.Error("the round has not ended well")
	}
	if got := newest(t, l); !maps.Equal(got, want) {
		t.Errorf("the log has %v and not %v", got, want)
	}
	must(t, d.Close())
}
