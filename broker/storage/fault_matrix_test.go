package storage

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// durableStep is a call that something rests on.
type durableStep struct {
	name string
	op   vfs.Op
	path string
	// whole says that path is the whole name.
	whole bool
	// spares says that the directory goes on where the call fails for space: what was to be done is done again.
	spares bool
}

var durableSteps = []durableStep{
	{name: "journal write", op: vfs.OpWrite, path: "chronik.journal."},
	{name: "journal sync", op: vfs.OpSync, path: "chronik.journal."},
	{name: "segment space", op: vfs.OpAllocate, path: logSuffix, spares: true},
	{name: "segment write", op: vfs.OpWrite, path: logSuffix, spares: true},
	{name: "segment sync", op: vfs.OpSync, path: logSuffix},
	{name: "segment end", op: vfs.OpTruncate, path: logSuffix, spares: true},
	{name: "index write", op: vfs.OpWrite, path: offsetSuffix, spares: true},
	{name: "index sync", op: vfs.OpSync, path: offsetSuffix},
	{name: "time index write", op: vfs.OpWrite, path: timeSuffix, spares: true},
	{name: "time index sync", op: vfs.OpSync, path: timeSuffix},
	{name: "transaction index write", op: vfs.OpWrite, path: txnSuffix, spares: true},
	{name: "transaction index sync", op: vfs.OpSync, path: txnSuffix},
	{name: "side-car write", op: vfs.OpWrite, path: sumsSuffix, spares: true},
	{name: "side-car sync", op: vfs.OpSync, path: sumsSuffix, spares: true}, // it is removed then, and nothing rests on it
	{name: "snapshot write", op: vfs.OpWrite, path: snapshotSuffix, spares: true},
	{name: "snapshot sync", op: vfs.OpSync, path: snapshotSuffix},
	{name: "partition directory sync", op: vfs.OpSync, path: testDir + "/topic-0", whole: true},
	{name: "log directory sync", op: vfs.OpSync, path: testDir, whole: true},
}

// replaceSteps are those of the text files that a checkpoint replaces, and of their side-cars.
func replaceSteps() (steps []durableStep) {
	for _, file := range []string{recoveryPointFile, indexPointFile, logStartFile, epochFile} {
		for _, name := range []string{file + ".tmp", file + sumsSuffix + ".tmp"} {
			steps = append(steps,
				durableStep{name: name + " write", op: vfs.OpWrite, path: name, spares: true},
				durableStep{name: name + " sync", op: vfs.OpSync, path: name},
				durableStep{name: name + " rename", op: vfs.OpRename, path: name, spares: true})
		}
	}
	return steps
}

// stepFaults are the ways in which a call may fail.
func stepFaults(s *durableStep) map[string]vfs.Fault {
	faults := map[string]vfs.Fault{
		"EIO": {Err: syscall.EIO}, "EIO, and it was done": {Err: syscall.EIO, Done: true}, "ENOSPC": {Err: syscall.ENOSPC},
	}
	for name, f := range faults {
		f.Op, f.Path, f.Whole, f.Count = s.op, s.path, s.whole, 1
		faults[name] = f
	}
	return faults
}

// TestEveryDurableStepFails has each call that something rests on fail once: nothing confirmed is lost, what was not confirmed is
// there whole or not at all, a failed sync is never tried again, and the directory is offline, except where there was no space.
func TestEveryDurableStepFails(t *testing.T) {
	t.Parallel()
	for _, step := range append(replaceSteps(), durableSteps...) {
		for name, fault := range stepFaults(&step) {
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
	waitJournalFile(t, memory, 2)

	first := len(r.noted())
	faults.Add(fault)
	sent := append([]byte{}, before...) // what was taken, and what failed while it was written
	tell := func(b []byte, err error) {
		if err == nil || offline {
			sent = append(sent, b...)
		}
	}
	for i, do := range stepWork(d, l, tell) {
		err := do()
		if err != nil && !errors.Is(err, fault.Err) {
			t.Fatalf("call %d: %v", i, err)
		}
		if err != nil && offline {
			break
		}
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
		b := goesOnStep(t, d, l)
		sent = append(sent, b...)
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

// stepWork makes the calls of durableSteps. The indexes of what is appended last wait for a later checkpoint.
func stepWork(d *Directory, l *Log, tell func(batch []byte, err error)) (work []func() error) {
	for i := range int32(20) {
		work = append(work, func() error { return appendStep(l, i, tell) })
	}
	return append(work,
		func() error { return l.DeleteRecordsBefore(2) }, d.Checkpoint,
		func() error { return appendStep(l, 20, tell) }, d.Checkpoint)
}

// appendStep appends a batch of a producer, and now and then a transaction that it aborts.
func appendStep(l *Log, i int32, tell func(batch []byte, err error)) error {
	batches := [][]byte{sign(batchOf(1, 2000, testTime.UnixMilli()), 7, 0, i, 0)}
	if i%8 == 3 {
		batches = [][]byte{
			sign(batchOf(1, 100, testTime.UnixMilli()), 8, 0, i, attrTransactional),
			sign(markerBatch(markerAbort, 1), 8, 0, -1, attrTransactional|attrControl),
		}
	}
	for _, b := range batches {
		_, err := l.Append(b, AppendInfo{LeaderEpoch: 2, Origin: Coordinator})
		tell(b, err)
		if err != nil {
			return err
		}
	}
	return nil
}

// goesOnStep waits until a directory takes records again by itself, and returns one that it has taken.
func goesOnStep(t *testing.T, d *Directory, l *Log) []byte {
	t.Helper()
	b := batchOf(1, 10, testTime.UnixMilli())
	until(t, "records are taken again", func() bool {
		_, err := l.Append(b, client())
		return err == nil
	})
	must(t, d.Checkpoint())
	waitConfirmed(t, l)
	if err := d.Full(); err != nil {
		t.Fatalf("the directory says that it is full: %v", err)
	}
	return b
}

// failedCalls counts the calls that failed, and finds syncs of a file whose sync had failed. The journal makes its files beside
// everything else: the sync of the directory for one of them may be under way.
func failedCalls(t *testing.T, calls []call) (failed int) {
	t.Helper()
	lost := map[string]bool{}
	journalFiles := 0
	for _, c := range calls {
		if strings.HasPrefix(c.op, "rename to chronik.journal.") && c.err == nil {
			journalFiles++
		}
		switch {
		case c.op != "sync":
		case c.name == testDir && journalFiles > 0 && c.err == nil:
			journalFiles--
		case lost[c.name]:
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
		want := split(sent)
		for len(want) > 0 && record.Batch(want[0]).LastOffset() < l.StartOffset() {
			want = want[1:]
		}
		if got := readAll(t, l); !bytes.HasPrefix(bytes.Join(want, nil), got) {
			t.Fatalf("the log holds %d bytes that were not sent so", len(got))
		}
		must(t, d.Close())
	}
}
