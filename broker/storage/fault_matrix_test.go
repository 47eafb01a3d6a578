package storage

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// durableStep is a call that something rests on.
type durableStep struct {
	name string
	op   vfs.Op
	path string
	// spares says that the directory goes on where the call fails for space: what was to be done is done again.
	spares bool
}

var durableSteps = []durableStep{
	{"journal write", vfs.OpWrite, "chronik.journal.", false},
	{"journal sync", vfs.OpSync, "chronik.journal.", false},
	{"segment write", vfs.OpWrite, logSuffix, true},
	{"segment sync", vfs.OpSync, logSuffix, false},
	{"index write", vfs.OpWrite, offsetSuffix, true},
	{"index sync", vfs.OpSync, offsetSuffix, false},
	{"time index write", vfs.OpWrite, timeSuffix, true},
	{"time index sync", vfs.OpSync, timeSuffix, false},
	{"side-car write", vfs.OpWrite, sumsSuffix, true},
	{"side-car sync", vfs.OpSync, sumsSuffix, true}, // it is removed then, and nothing rests on it
	{"snapshot write", vfs.OpWrite, snapshotSuffix, true},
	{"snapshot sync", vfs.OpSync, snapshotSuffix, false},
	{"checkpoint write", vfs.OpWrite, recoveryPointFile, true},
	{"checkpoint sync", vfs.OpSync, recoveryPointFile, false},
	{"checkpoint rename", vfs.OpRename, recoveryPointFile, true},
	{"epochs write", vfs.OpWrite, epochFile, true},
	{"epochs sync", vfs.OpSync, epochFile, false},
	{"epochs rename", vfs.OpRename, epochFile, true},
}

// TestEveryDurableStepFails has each call that something rests on fail once: nothing confirmed is lost, what was not confirmed is
// there whole or not at all, a failed sync is never tried again, and the directory is offline, except where there was no space.
func TestEveryDurableStepFails(t *testing.T) {
	for _, step := range durableSteps {
		for name, fault := range map[string]vfs.Fault{
			"EIO": {Err: syscall.EIO}, "EIO, and it was done": {Err: syscall.EIO, Done: true}, "ENOSPC": {Err: syscall.ENOSPC},
		} {
			fault.Op, fault.Path, fault.Count = step.op, step.path, 1
			t.Run(step.name+": "+name, func(t *testing.T) {
				for _, crash := range []bool{false, true} {
					failStep(t, fault, crash, !step.spares || !vfs.NoSpace(fault.Err))
				}
			})
		}
	}
}

func failStep(t *testing.T, fault vfs.Fault, crash, offline bool) {
	t.Helper()
	memory := vfs.NewMemory(nil)
	faults := vfs.NewFaults(memory)
	r := &recorder{FS: faults}
	cfg := testConfig(r)
	cfg.snapshotBytes = 1000
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	before := batchOf(3, 100, testTime.UnixMilli())
	appendTo(t, l, before)
	waitConfirmed(t, l)
	must(t, d.Checkpoint())

	first := len(r.noted())
	faults.Add(fault)
	sent := append([]byte{}, before...) // what was taken, and what failed while it was written
	for i := range int32(20) {
		b := sign(batchOf(1, 2000, testTime.UnixMilli()), 7, 0, i, 0)
		_, err := l.Append(b, AppendInfo{LeaderEpoch: 2, Origin: Coordinator})
		if err != nil && !errors.Is(err, fault.Err) {
			t.Fatalf("batch %d: %v", i, err)
		}
		if err == nil || offline {
			sent = append(sent, b...)
		}
		if err != nil && offline {
			break
		}
	}
	checkpoint := d.Checkpoint()
	if checkpoint != nil && !errors.Is(checkpoint, fault.Err) {
		t.Fatalf("checkpoint: %v", checkpoint)
	}
	hit := failedCalls(t, r.noted()[first:])
	if hit == 0 {
		t.Fatal("the call was not made")
	}
	if offline {
		until(t, "the directory is offline", func() bool { return d.Err() != nil })
	}
	if err := d.Err(); (err != nil) != offline || err != nil && !errors.Is(err, fault.Err) {
		t.Fatalf("the directory says: %v", err)
	}
	if !offline {
		waitConfirmed(t, l)
	}
	confirmed := l.Confirmed()
	next := memory.Kill
	if crash {
		next = func() *vfs.Memory { return memory.Crash(uint64(hit)) }
	}
	cfg.FS = next()
	_ = d.Close() // its disk is gone
	restartAfterFault(t, cfg, sent, confirmed)
}

// failedCalls counts the calls that failed, and finds syncs of a file whose sync had failed.
func failedCalls(t *testing.T, calls []call) (failed int) {
	t.Helper()
	lost := map[string]bool{}
	for _, c := range calls {
		if c.op == "sync" && lost[c.name] {
			t.Errorf("%s is synced again after a failure", c.name)
		}
		if c.err != nil {
			failed++
			lost[c.name] = lost[c.name] || c.op == "sync"
		}
	}
	return failed
}

// restartAfterFault compares what a start finds with what was sent: at least what was confirmed, and no other bytes.
func restartAfterFault(t *testing.T, cfg Config, sent []byte, confirmed int64) {
	t.Helper()
	for range 2 {
		d := openDir(t, cfg)
		l := d.Log("topic", 0)
		if l == nil || l.EndOffset() < confirmed {
			t.Fatalf("the log ends before offset %d, which was confirmed", confirmed)
		}
		if got := readAll(t, l); !bytes.HasPrefix(sent, got) {
			t.Fatalf("the log holds %d bytes that were not sent so", len(got))
		}
		must(t, d.Close())
	}
}
