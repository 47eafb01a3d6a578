package storage

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// changingOps are the calls that change something on disk, or make it durable.
var changingOps = map[string]vfs.Op{
	"write": vfs.OpWrite, "sync": vfs.OpSync, "rename": vfs.OpRename, "remove": vfs.OpRemove, "truncate": vfs.OpTruncate,
	"allocate": vfs.OpAllocate, "mkdir": vfs.OpMkdir,
}

// faultyLife is the life of a directory of which one call fails, and what it knows of its log.
type faultyLife struct {
	t      *testing.T
	memory *vfs.Memory
	r      *recorder
	d      *Directory
	// may are the contents of the log that a start may find a first part of, in batches; sure is how far it has to reach.
	may  [][][]byte
	sure int64
}

// TestEveryCallFails has each call of a life that changes something fail once. A directory whose file can not be written or synced
// goes offline, or does not open; what was confirmed is there at the next start, and nothing else is.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	stride := 1
	if testing.Short() || raceDetector {
		stride = 11
	}
	for name, op := range changingOps {
		t.Run(name, func(t *testing.T) {
			hit := true
			for skip := 0; hit; skip += stride {
				for _, crash := range []bool{false, true} {
					l := &faultyLife{t: t}
					hit = l.run(op, skip, crash)
				}
			}
		})
	}
}

func (f *faultyLife) config(fsys vfs.FS) Config {
	cfg := testConfig(fsys)
	cfg.JournalFileBytes = 32 << 10
	cfg.ReferenceBytes = 3000
	cfg.DefaultLogConfig.SegmentBytes = 4000
	cfg.snapshotBytes = 1000
	return cfg
}

// run lives with a fault and looks at what a start finds. hit says that there was such a call.
func (f *faultyLife) run(op vfs.Op, skip int, crash bool) (hit bool) {
	fault := vfs.Fault{Op: op, Skip: skip, Count: 1, Err: syscall.EIO}
	f.memory = vfs.NewMemory(nil)
	faults := vfs.NewFaults(f.memory)
	faults.Add(fault)
	f.r = &recorder{FS: faults}
	err := f.work()
	ending := err == nil && f.d.Err() == nil
	if ending {
		f.d.reap(testTime.Add(time.Hour))
		err = f.d.Close()
	}
	if err != nil && !errors.Is(err, fault.Err) {
		f.t.Fatalf("call %d: %v", skip, err)
	}
	if faults.Pending() > 0 {
		must(f.t, err)
		return false
	}
	calls := f.r.noted()
	failedCalls(f.t, calls)
	failed := slices.IndexFunc(calls, func(c call) bool { return errors.Is(c.err, fault.Err) })
	if c := calls[failed]; f.d != nil && f.d.Err() == nil && (!ending || err == nil) && !sparedCall(c) {
		f.t.Errorf("%s of %s fails, and the directory goes on: %v", c.op, c.name, err)
	}
	next := f.memory.Kill()
	if crash {
		next = f.memory.Crash(uint64(skip))
	}
	if f.d != nil {
		_ = f.d.Close() // its disk is gone
	}
	f.restart(next)
	return true
}

// sparedCall says whether nothing rests on a call: what can not be removed goes with the next start.
func sparedCall(c call) bool {
	return c.op == "remove" && (strings.HasSuffix(c.name, deletedSuffix) || strings.Contains(c.name, deleteDirSuffix) || strings.HasSuffix(c.name, snapshotSuffix))
}

// work does everything once but the end. It stops at the first error.
func (f *faultyLife) work() (err error) {
	f.d = nil
	if f.d, err = Open(f.config(f.r)); err != nil {
		return err
	}
	l, err := f.d.Create(testTopic, "topic", 0, f.d.cfg.DefaultLogConfig)
	if err != nil {
		return err
	}
	for _, do := range []func() error{
		func() error { return f.appendSome(l, 0) },
		f.d.Checkpoint,
		func() error { return f.appendSome(l, 10) },
		func() error { return l.StartEpoch(3) },
		func() error { return f.truncate(l) },
		func() error { return f.appendSome(l, 20) },
		f.d.Checkpoint,
		func() error { return l.DeleteRecordsBefore(4) },
		func() error { _, err := l.Retain(testTime, l.Confirmed()); return err },
		f.otherLog,
		f.d.Checkpoint,
		func() error { return f.appendSome(l, 30) },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// appendSome appends small batches, one that goes round the journal, and a transaction that is aborted.
func (f *faultyLife) appendSome(l *Log, sequence int32) error {
	batches := [][]byte{batchOf(2, 100, testTime.UnixMilli()), batchOf(1, 3200, testTime.UnixMilli())}
	for i := range int32(3) {
		batches = append(batches, sign(batchOf(1, 600, testTime.UnixMilli()), 7, 0, sequence+i, 0))
	}
	batches = append(batches, sign(batchOf(1, 50, testTime.UnixMilli()), 8, 0, sequence, attrTransactional),
		sign(markerBatch(markerAbort, 1), 8, 0, -1, attrTransactional|attrControl))
	for _, b := range batches {
		_, err := l.Append(b, AppendInfo{LeaderEpoch: 1, Origin: Coordinator})
		for i := range f.may {
			f.may[i] = append(f.may[i], b)
		}
		if f.may == nil {
			f.may = [][][]byte{{b}}
		}
		if err != nil {
			return err
		}
	}
	until(f.t, "the batches are confirmed or the directory is offline", func() bool { return l.Confirmed() == l.EndOffset() || f.d.Err() != nil })
	f.sure = l.Confirmed()
	return f.d.Err()
}

// truncate cuts the last two batches off.
func (f *faultyLife) truncate(l *Log) error {
	before := f.may[0]
	kept := before[:len(before)-2]
	f.may = append(f.may, kept)
	f.sure = l.EndOffset() - 2
	if err := l.Truncate(f.sure); err != nil {
		return err
	}
	f.may = [][][]byte{slices.Clone(kept)}
	return nil
}

// otherLog makes a log and deletes it.
func (f *faultyLife) otherLog() error {
	l, err := f.d.Create(otherTopic, "other", 0, f.d.cfg.DefaultLogConfig)
	if err != nil {
		return err
	}
	if _, err := l.Append(batchOf(1, 100, testTime.UnixMilli()), client()); err != nil {
		return err
	}
	return f.d.Delete(otherTopic, 0)
}

// restart compares what a start finds with what the log may hold.
func (f *faultyLife) restart(disk *vfs.Memory) {
	f.t.Helper()
	for range 2 {
		d := openDir(f.t, f.config(disk))
		if err := f.check(d.Log("topic", 0)); err != nil {
			f.t.Error(err)
		}
		must(f.t, d.Close())
	}
}

func (f *faultyLife) check(l *Log) error {
	if l == nil {
		if f.sure > 0 {
			return fmt.Errorf("the log is gone, %d is confirmed", f.sure)
		}
		return nil
	}
	if l.EndOffset() < f.sure {
		return fmt.Errorf("the log ends at %d, %d is confirmed", l.EndOffset(), f.sure)
	}
	got := split(readAll(f.t, l))
	for _, may := range f.may {
		for len(may) > 0 && headerOf(may[0]).last() < l.StartOffset() {
			may = may[1:]
		}
		if len(got) <= len(may) && slices.EqualFunc(got, may[:len(got)], slices.Equal) {
			return nil
		}
	}
	if len(got) == 0 && l.EndOffset() == 0 {
		return nil
	}
	return fmt.Errorf("the log is %d to %d and holds %s", l.StartOffset(), l.EndOffset(), offsetsOf(got))
}

func headerOf(b []byte) *header {
	h, _ := parseHeader(b)
	return &h
}

// TestEveryCallOfAStartFails has each call of a start fail once: it opens nothing, or goes offline, and leaves everything to the next.
func TestEveryCallOfAStartFails(t *testing.T) {
	t.Parallel()
	ops := map[string]vfs.Op{"open": vfs.OpOpen, "list": vfs.OpList, "read": vfs.OpRead}
	for name, op := range changingOps {
		ops[name] = op
	}
	for name, op := range ops {
		for _, clean := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, clean %v", name, clean), func(t *testing.T) {
				hit := true
				for skip := 0; hit; skip++ {
					hit = failStart(t, op, skip, clean)
				}
			})
		}
	}
}

// failStart opens with a fault what a kill or a clean stop has left. hit says that there was such a call.
func failStart(t *testing.T, op vfs.Op, skip int, clean bool) (hit bool) {
	t.Helper()
	fault := vfs.Fault{Op: op, Skip: skip, Count: 1, Err: syscall.EIO}
	f, disk := endedLife(t, clean)
	faults := vfs.NewFaults(disk)
	faults.Add(fault)
	d, err := Open(f.config(faults))
	hit = faults.Pending() == 0
	if hit && err == nil {
		until(t, "the directory is offline", func() bool { return d.Err() != nil })
	}
	if err != nil && !errors.Is(err, fault.Err) {
		t.Errorf("call %d: %v", skip, err)
	}
	next := disk.Crash(uint64(skip))
	if err == nil {
		_ = d.Close() // without its disk
	}
	f.restart(next)
	return hit
}

// endedLife is a life, and what a clean stop or a kill has left of it.
func endedLife(t *testing.T, clean bool) (*faultyLife, *vfs.Memory) {
	t.Helper()
	f := &faultyLife{t: t, memory: vfs.NewMemory(nil)}
	f.r = &recorder{FS: f.memory}
	must(t, f.work())
	if clean {
		must(t, f.d.Close())
	}
	next := f.memory.Kill()
	_ = f.d.Close() // without its disk
	return f, next
}

// TestEveryReadFails has each read after a start fail once: it tells of that, takes nothing offline, and the same question is answered
// when it is asked again.
func TestEveryReadFails(t *testing.T) {
	t.Parallel()
	for _, clean := range []bool{false, true} {
		for _, op := range []vfs.Op{vfs.OpRead, vfs.OpOpen} {
			t.Run(fmt.Sprintf("clean %v, operation %d", clean, op), func(t *testing.T) {
				want, hit := answers(t, clean, op, math.MaxInt)
				for skip := 0; skip == 0 || hit; skip++ {
					var got []string
					if got, hit = answers(t, clean, op, skip); !slices.Equal(got, want) {
						t.Fatalf("call %d: %q, want %q", skip, got, want)
					}
				}
			})
		}
	}
}

// answers are those that a log gives after a start, of whose reads one fails. A question that fails is asked again.
func answers(t *testing.T, clean bool, op vfs.Op, skip int) (list []string, hit bool) {
	t.Helper()
	fault := vfs.Fault{Op: op, Path: "topic-0", Skip: skip, Count: 1, Err: syscall.EIO}
	disk := vfs.NewMemory(nil)
	d, l := sealedLog(t, disk)
	waitConfirmed(t, l)
	if clean {
		must(t, d.Close())
	}
	faults := vfs.NewFaults(disk.Kill())
	_ = d.Close() // without its disk
	d = openDir(t, testConfig(faults))
	l = d.Log("topic", 0)
	faults.Add(fault)
	failed := false
	ask := func(what string, question func() (any, error)) {
		answer, err := question()
		if err != nil {
			if !errors.Is(err, fault.Err) || errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s: %v", what, err)
			}
			failed = true
			answer, err = question()
			must(t, err)
		}
		list = append(list, fmt.Sprintf("%s: %v", what, answer))
	}
	for offset := l.StartOffset(); offset < l.EndOffset(); offset += 7 {
		ask(fmt.Sprint("records at ", offset), func() (any, error) { return l.Read(offset, 300, l.EndOffset(), true, nil) })
	}
	for _, later := range []int64{0, 1, 20, 50, 80, 200} {
		timestamp := testTime.UnixMilli() + later
		ask(fmt.Sprint("offset of ", timestamp), func() (any, error) {
			found, ok, err := l.OffsetForTimestamp(timestamp, l.EndOffset())
			return fmt.Sprint(found, ok), err
		})
	}
	must(t, d.Err())
	if hit = faults.Pending() == 0; hit != failed {
		t.Errorf("call %d: it failed: %v, a question did: %v", skip, hit, failed)
	}
	faults.Clear()
	must(t, d.Close())
	return list, hit
}
