package storage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

var updateTrace = flag.Bool("update", false, "write testdata/file_operations.txt")

const (
	traceFile = "testdata/file_operations.txt"
	traceHead = `What each step in the life of a log directory changes on disk, in this order. "." is the directory itself, whose sync is that of its
entries. "replace" is: create NAME.tmp, truncate, write and sync it, rename it to NAME, sync the directory.
go test ./broker/storage -run TestFileOperations -update writes this file; a sync that is gone, or that comes later than before, has
to be argued for.
`
)

// TestFileOperations compares what the steps of a directory's life do to its files with the trace in testdata, which can be read: a
// sync that is missing, or that comes after what rests on it, is a difference.
func TestFileOperations(t *testing.T) {
	var b strings.Builder
	b.WriteString(traceHead)
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMemory(nil)
		tr := &tracer{t: t, disk: disk, r: &recorder{FS: disk}, names: map[string]string{}}
		defer tr.giveUp()
		for _, step := range tr.steps() {
			fmt.Fprintf(&b, "\n# %s\n%s", step.name, tr.trace(step.do))
		}
	})
	if *updateTrace {
		must(t, os.WriteFile(traceFile, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(traceFile)
	must(t, err)
	compareTraces(t, b.String(), string(want))
}

// compareTraces tells which steps differ.
func compareTraces(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	gotSteps, wantSteps := strings.Split(got, "\n# "), strings.Split(want, "\n# ")
	if len(gotSteps) != len(wantSteps) {
		t.Errorf("%d steps, %s has %d", len(gotSteps), traceFile, len(wantSteps))
	}
	for i := range min(len(gotSteps), len(wantSteps)) {
		if gotSteps[i] != wantSteps[i] {
			t.Errorf("got the step %s\nwant %s", gotSteps[i], wantSteps[i])
		}
	}
}

// tracer writes down what a directory with one log does to its files. What does not wait for the journal comes before it.
type tracer struct {
	t     *testing.T
	disk  *vfs.Memory
	r     *recorder
	gate  *gate
	d     *Directory
	l     *Log
	taken int // of the calls that were noted
	// names are those of renamed files by the names under which they were opened.
	names map[string]string
}

type traceStep struct {
	name string
	do   func() error
}

func (tr *tracer) steps() []traceStep {
	checkpoint := func() error { return tr.d.Checkpoint() }
	end := func() error { return tr.d.Close() }
	return []traceStep{
		{"open a new directory", tr.open},
		{"create a log", tr.create},
		{"append", tr.append(100)},
		{"checkpoint", checkpoint},
		{"checkpoint again", checkpoint},
		{"abort a transaction", tr.abort},
		{"checkpoint after the transaction", checkpoint},
		{"append what needs another segment", tr.append(15_900)},
		{"checkpoint after the roll", checkpoint},
		{"append a large batch", tr.append(9000)},
		{"start a leader epoch", func() error { return tr.l.StartEpoch(2) }},
		{"delete records", func() error { return tr.l.DeleteRecordsBefore(4) }},
		{"retain", tr.retain},
		{"checkpoint after the log start rose", checkpoint},
		{"append before the truncation", tr.append(100)},
		{"truncate", func() error { return tr.l.Truncate(tr.l.EndOffset() - 1) }},
		{"checkpoint after the truncation", checkpoint},
		{"truncate to nothing", func() error { return tr.l.Truncate(0) }},
		{"append after that", tr.append(100)},
		{"close", end},
		{"open after a clean stop", tr.open},
		{"append before a kill", tr.append(100)},
		{"open after the kill", tr.openAfterKill},
		{"delete", func() error { return tr.d.Delete(testTopic, 0) }},
		{"remove the files of the deleted log", func() error { tr.d.reap(testTime.Add(time.Hour)); return nil }},
		{"create under the same name", tr.create},
		{"fill segments", tr.fillSegments},
		{"checkpoint before a compaction", checkpoint},
		{"compact", tr.compact},
		{"remove the files that were compacted", func() error { tr.d.reap(testTime.Add(time.Hour)); return nil }},
		{"close at last", end},
	}
}

// giveUp ends the goroutines when the test ends early.
func (tr *tracer) giveUp() {
	if tr.t.Failed() && tr.d != nil {
		tr.disk.Kill()
		_ = tr.run(func() error { return tr.d.Close() }) // without its disk
	}
}

// run carries out a step, and what it has set going.
func (tr *tracer) run(do func() error) (err error) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	for ended := false; ; {
		synctest.Wait()
		select {
		case err = <-done:
			ended = true
		default:
		}
		if tr.gate.grant(false, func(int) int { return 0 }) {
			continue
		}
		if ended {
			return err
		}
		panic("a step waits for nothing that will happen")
	}
}

// trace carries out a step and returns what it has changed, a line each.
func (tr *tracer) trace(do func() error) string {
	tr.t.Helper()
	must(tr.t, tr.run(do))
	calls := tr.r.noted()
	var lines []string
	for _, c := range calls[tr.taken:] {
		if isNotExist(c.err) {
			continue // it has changed nothing
		}
		must(tr.t, c.err)
		lines = append(lines, tr.line(c))
	}
	tr.taken = len(calls)
	return strings.Join(shortened(lines), "\n") + "\n"
}

// line is a call by the name that its file has by then, without what depends on sizes.
func (tr *tracer) line(c call) string {
	if c.op == "create" || c.op == "mkdir" {
		delete(tr.names, c.name)
	}
	if name, ok := tr.names[c.name]; ok {
		c.name = name
	}
	if to, ok := strings.CutPrefix(c.op, "rename to "); ok {
		target := path.Join(path.Dir(c.name), to)
		tr.names[c.name] = target
		delete(tr.names, target)
		return "rename " + relative(c.name) + " to " + to
	}
	op, _, _ := strings.Cut(c.op, " ")
	return op + " " + relative(c.name)
}

func relative(name string) string {
	if name == testDir {
		return "."
	}
	return strings.TrimPrefix(name, testDir+"/")
}

// shortened has one line in the place of those of vfs.ReplaceFile, where they are all there.
func shortened(lines []string) (short []string) {
	for len(lines) > 0 {
		name, _ := strings.CutPrefix(lines[0], "create ")
		name = strings.TrimSuffix(name, ".tmp")
		whole := []string{
			"create " + name + ".tmp", "truncate " + name + ".tmp", "write " + name + ".tmp", "sync " + name + ".tmp",
			"rename " + name + ".tmp to " + path.Base(name), "sync " + path.Dir(name),
		}
		n := 1
		if len(lines) >= len(whole) && slices.Equal(lines[:len(whole)], whole) {
			n = len(whole)
			short = append(short, "replace "+name)
		} else {
			short = append(short, lines[0])
		}
		lines = lines[n:]
	}
	return short
}

func (tr *tracer) open() error {
	tr.gate = newGate(tr.r, 0)
	cfg := testConfig(tr.gate)
	cfg.RecoveryThreads = 1
	cfg.ReferenceBytes = 8 << 10
	d, err := Open(cfg)
	if err != nil {
		return err
	}
	tr.d, tr.l = d, d.Log("topic", 0)
	return nil
}

// openAfterKill is another process on the same disk.
func (tr *tracer) openAfterKill() error {
	tr.disk = tr.disk.Kill()
	_ = tr.d.Close() // without its disk
	tr.r, tr.taken = &recorder{FS: tr.disk}, 0
	return tr.open()
}

func (tr *tracer) create() (err error) {
	tr.l, err = tr.d.Create(testTopic, "topic", 0, tr.d.cfg.DefaultLogConfig)
	return err
}

// append returns when the batch is confirmed.
func (tr *tracer) append(size int) func() error {
	return func() error { return tr.put(batchOf(1, size, testTime.UnixMilli()), Client) }
}

func (tr *tracer) put(batch []byte, origin Origin) error {
	if _, err := tr.l.Append(batch, AppendInfo{LeaderEpoch: 1, Origin: origin}); err != nil {
		return err
	}
	waitConfirmed(tr.t, tr.l)
	return nil
}

func (tr *tracer) abort() error {
	if err := tr.put(sign(batchOf(1, 100, testTime.UnixMilli()), 7, 0, 0, attrTransactional), Client); err != nil {
		return err
	}
	return tr.put(sign(markerBatch(markerAbort, 1), 7, 0, -1, attrTransactional|attrControl), Coordinator)
}

// fillSegments fills two segments with two values of a key, and begins a third.
func (tr *tracer) fillSegments() error {
	cfg := tr.l.Config()
	cfg.Compact, cfg.CompactOnly, cfg.MinCleanableRatio, cfg.SegmentBytes = true, true, 0, 100
	tr.l.SetConfig(cfg)
	for _, value := range []string{"old", "new", "active"} {
		if err := tr.put(keyed("key", value), Client); err != nil {
			return err
		}
	}
	return nil
}

func (tr *tracer) compact() error {
	if !testCleaner(tr.t, tr.d, tr.d.cfg.Clock).Clean(context.Background()) {
		return errors.New("nothing was compacted")
	}
	return nil
}

func (tr *tracer) retain() error {
	if n, err := tr.l.Retain(testTime, tr.l.Confirmed()); err != nil || n == 0 {
		return fmt.Errorf("%d segments go, %w", n, err)
	}
	return nil
}
