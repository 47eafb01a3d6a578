package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// compactionSteps are the durable steps of a round of compaction.
func compactionSteps() []durableStep {
	steps := []durableStep{
		{name: "compacted segment's space", op: vfs.OpAllocate, path: logSuffix + cleanedSuffix, spares: true},
		{name: "compacted segment's write", op: vfs.OpWrite, path: logSuffix + cleanedSuffix, spares: true},
		{name: "compacted segment's sync", op: vfs.OpSync, path: logSuffix + cleanedSuffix},
		{name: "compacted segment's index write", op: vfs.OpWrite, path: timeSuffix + cleanedSuffix, spares: true},
		{name: "compacted segment's index sync", op: vfs.OpSync, path: timeSuffix + cleanedSuffix},
		{name: "compacted segment's first rename", op: vfs.OpRename, path: logSuffix + cleanedSuffix, spares: true},
		{name: "compacted segment's second rename", op: vfs.OpRename, path: logSuffix + swapSuffix, spares: true},
		{name: "directory sync of a swap", op: vfs.OpSync, path: testDir + "/topic-0", whole: true},
	}
	for _, name := range []string{cleanerFile + ".tmp", cleanerFile + sumsSuffix + ".tmp"} {
		steps = append(steps,
			durableStep{name: name + " write", op: vfs.OpWrite, path: name, spares: true},
			durableStep{name: name + " sync", op: vfs.OpSync, path: name},
			durableStep{name: name + " rename", op: vfs.OpRename, path: name, spares: true})
	}
	return steps
}

// TestEveryStepOfACompactionFails: the newest record of each key is there whatever fails, the directory is offline except where there
// was no space, and then the log is compacted when there is.
func TestEveryStepOfACompactionFails(t *testing.T) {
	t.Parallel()
	for _, step := range compactionSteps() {
		for name, fault := range stepFaults(&step) {
			for _, crash := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s: %s, crash %v", step.name, name, crash), func(t *testing.T) {
					failCompaction(t, fault, crash, step.spares && vfs.NoSpace(fault.Err))
				})
			}
		}
	}
}

func failCompaction(t *testing.T, fault vfs.Fault, crash, spares bool) {
	t.Helper()
	memory := vfs.NewMemory(nil)
	faults := vfs.NewFaults(memory)
	cfg := compactConfig(faults)
	d := openDir(t, cfg)
	l := fillLog(t, d, 1, "topic", 200)
	must(t, d.Checkpoint())
	want, before := newest(t, l), l.Size()
	faults.Add(fault)
	c := testCleaner(t, d, d.cfg.Clock)
	c.Clean(context.Background())
	if faults.Pending() > 0 {
		t.Fatal("the call was not made")
	}
	if spares {
		must(t, d.Err())
		for c.Clean(context.Background()) {
		}
		if len(c.failed) > 0 || l.Size() >= before {
			t.Errorf("the log has %d of %d bytes, and is not compacted any more: %v", l.Size(), before, c.failed)
		}
		must(t, d.Checkpoint())
	} else if err := d.Err(); !errors.Is(err, fault.Err) {
		t.Errorf("the directory says: %v", err)
	}
	next := memory.Kill()
	if crash {
		next = memory.Crash(uint64(len(fault.Path)))
	}
	_ = d.Close() // its disk is gone
	for range 2 {
		cfg.FS = next
		d = openDir(t, cfg)
		if got := newest(t, d.Log("topic", 0)); !maps.Equal(got, want) {
			t.Errorf("the newest records are %v, want %v", got, want)
		}
		must(t, d.Close())
	}
}

// newest is the last record of each key.
func newest(t *testing.T, l *Log) map[string]string {
	t.Helper()
	last := map[string]string{}
	for _, r := range survivors(t, l) {
		_, r, _ = strings.Cut(r, ":")
		key, value, _ := strings.Cut(r, "=")
		last[key] = value
	}
	return last
}
