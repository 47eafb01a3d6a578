package replica

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// all reads a replica from its first offset to its high watermark.
func all(t testing.TB, r *Replica) []byte {
	t.Helper()
	var out []byte
	for next := r.LogStart(); next < r.HighWatermark(); {
		data, err := r.Read(next, 1<<20, true, nil)
		if err != nil || len(data) == 0 {
			t.Fatalf("%d bytes at offset %d: %v", len(data), next, err)
		}
		out = append(out, data...)
		next = lastOf(data) + 1
	}
	return out
}

func lastOf(data []byte) (last int64) {
	record.Batches(data, func(b record.Batch) bool {
		last = b.LastOffset()
		return true
	})
	return last
}

// other is the directory that a replica is not in.
func (w *world) other(r *Replica) *storage.Directory {
	for _, d := range w.dirs {
		if d != r.dir() {
			return d
		}
	}
	return nil
}

// startMove has a partition go to the directory with a path.
func (w *world) startMove(topic string, partition int32, path string) error {
	to, err := w.set.Destination(path)
	if err != nil {
		return err
	}
	return w.set.StartMove(topic, partition, to)
}

func TestAMoveWhileRecordsCome(t *testing.T) {
	w := newWorld(t, 2)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	for range 50 {
		mustAppend(t, r, batchOf(10, testTime))
	}
	if err := r.log().DeleteRecordsBefore(35); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() { w.set.Move(ctx) })
	defer background.Wait()
	defer cancel()
	to := w.other(r)
	if err := w.startMove("a", 0, to.Path()); err != nil {
		t.Fatal(err)
	}
	appended := 0
	for deadline := time.Now().Add(20 * time.Second); r.dir() != to; appended++ {
		if time.Now().After(deadline) {
			t.Fatal("it does not move")
		}
		mustAppend(t, r, batchOf(2, testTime))
	}
	mustAppend(t, r, batchOf(3, testTime))
	end := int64(500 + 2*appended + 3)
	if r.LogEnd() != end || r.HighWatermark() != end || r.LogStart() != 35 {
		t.Errorf("from %d to %d, confirmed %d, want %d", r.LogStart(), r.LogEnd(), r.HighWatermark(), end)
	}
	want := all(t, r)
	if n := bytes.Count(want, []byte("value 0")); n < appended {
		t.Errorf("%d batches can be read", n)
	}
	back := w.other(r)
	if err := w.startMove("a", 0, back.Path()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); r.dir() != back; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not move back")
		}
	}
	cancel()
	background.Wait()
	w.restart()
	r = w.replica("a", 0)
	if r.dir().Path() != back.Path() || r.LogStart() != 35 || !bytes.Equal(all(t, r), want) {
		t.Errorf("after a restart it is in %s and starts at %d", r.dir().Path(), r.LogStart())
	}
	if w.logged.Len() != 0 && bytes.Contains(w.logged.Bytes(), []byte("level=ERROR")) {
		t.Errorf("logged %s", &w.logged)
	}
}

func TestMovesAreChecked(t *testing.T) {
	w := newWorld(t, 2)
	w.create("a", 1, []int32{1})
	for name, tc := range map[string]struct {
		topic, dir string
		code       int16
	}{
		"no directory": {"a", "/elsewhere", wire.LogDirNotFound},
		"no topic":     {"b", "/data0", wire.UnknownTopicOrPartition},
		"where it is":  {"a", w.replica("a", 0).dir().Path(), wire.None},
	} {
		if err := w.startMove(tc.topic, 0, tc.dir); wire.CodeOf(err) != tc.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.set.moves.waiting) != 0 {
		t.Error("something is to move")
	}
}

// futures are the partitions that are shown to be on their way, with the size and the lag of what is there.
func (w *world) futures() (found []string) {
	for _, d := range w.set.Directories(func(string, int32) bool { return true }) {
		for _, p := range d.Replicas {
			if p.Future {
				found = append(found, fmt.Sprintf("%s-%d in %s: %d bytes, lag %d", p.Topic, p.Partition, d.Path, p.Size, p.Lag))
			}
		}
	}
	slices.Sort(found)
	return found
}

// TestMovesAreShownFromWhenTheyAreAskedFor: Apache Kafka's kafka-reassign-partitions takes a partition that is neither where it is to
// go nor on its way for one whose move was given up.
func TestMovesAreShownFromWhenTheyAreAskedFor(t *testing.T) {
	w := newWorld(t, 2)
	w.create("a", 3, []int32{1}, []int32{1}, []int32{1})
	other := map[int32]string{}
	var want []string
	for p := range int32(3) {
		r := w.replica("a", p)
		mustAppend(t, r, batchOf(int(p)+1, testTime))
		other[p] = w.other(r).Path()
		if err := w.startMove("a", p, other[p]); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("a-%d in %s: 0 bytes, lag %d", p, other[p], p+1))
	}
	if got := w.futures(); !slices.Equal(got, want) {
		t.Errorf("asked for is %q, shown %q", want, got)
	}
	if err := w.startMove("a", 0, w.replica("a", 0).dir().Path()); err != nil {
		t.Fatal(err)
	}
	if got := w.futures(); len(got) != 2 {
		t.Errorf("one move was given up before its turn, shown are %q", got)
	}

	moving, r, to := w.set.moves.next(t.Context())
	if got := w.futures(); len(got) != 2 {
		t.Errorf("one is about to move, one waits, shown are %q", got)
	}
	if err := w.startMove("a", r.index, r.dir().Path()); err != nil || moving.Err() == nil {
		t.Errorf("the move is not given up: %v", err)
	}
	if err := w.startMove("a", r.index, to.Path()); err != nil {
		t.Fatal(err)
	}
	if got := w.futures(); len(got) != 2 || w.set.moves.waiting[r] != to {
		t.Errorf("a move that was given up is asked for again, shown are %q", got)
	}
	w.set.move(moving, r, to)
	if bytes.Contains(w.logged.Bytes(), []byte("level=ERROR")) || !bytes.Contains(w.logged.Bytes(), []byte("given up, as asked for")) {
		t.Errorf("of a move that was given up is logged %s", &w.logged)
	}
	for moving, r, to = w.set.moves.next(t.Context()); r != nil; moving, r, to = w.set.moves.next(t.Context()) {
		w.set.move(moving, r, to)
	}
	if got := w.futures(); len(got) != 0 {
		t.Errorf("all have moved, shown are %q", got)
	}
	for p := range int32(3) {
		if at := w.replica("a", p).dir().Path(); (at == other[p]) != (p > 0) {
			t.Errorf("partition %d is in %s", p, at)
		}
	}
}

// TestADeletedTopicDoesNotMove deletes a topic of which one partition is about to move, one waits, and one was asked for as it went.
func TestADeletedTopicDoesNotMove(t *testing.T) {
	w := newWorld(t, 2)
	w.create("a", 1, []int32{1}, []int32{1}, []int32{1})
	for p := range int32(3) {
		r := w.replica("a", p)
		mustAppend(t, r, batchOf(2, testTime))
		if err := w.startMove("a", p, w.other(r).Path()); err != nil {
			t.Fatal(err)
		}
	}
	moving, r, to := w.set.moves.next(t.Context())
	w.apply(&meta.DeleteTopics{IDs: []meta.TopicID{{1}}})
	if len(w.set.moves.waiting) != 0 || moving.Err() == nil {
		t.Errorf("%d partitions wait, and the move of one goes on (%v)", len(w.set.moves.waiting), moving.Err())
	}
	w.set.move(moving, r, to)
	w.set.move(t.Context(), r, to)
	if bytes.Contains(w.logged.Bytes(), []byte("level=ERROR")) {
		t.Errorf("logged %s", &w.logged)
	}
	for _, d := range w.dirs {
		entries, err := w.fs.List(d.Path())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name, "-future") || d.Log("a", 0) != nil {
				t.Errorf("%s is left in %s", e.Name, d.Path())
			}
		}
	}
}

// TestACrashDuringAMove cuts the power at every step of a move there and back: all that was acknowledged is there after it, once.
func TestACrashDuringAMove(t *testing.T) {
	for cut := 0; ; cut++ {
		w := newWorldOf(t, 2, 64<<10)
		disk := w.fs.(*vfs.Memory)
		w.create("a", 1, []int32{1})
		r := w.replica("a", 0)
		mustAppend(t, r, batchOf(10, testTime))
		mustAppend(t, r, batchOf(10, testTime))
		if err := r.log().DeleteRecordsBefore(10); err != nil {
			t.Fatal(err)
		}
		want := all(t, r)
		disk.CutPowerAfter(cut)
		var err error
		for range 2 {
			if err == nil {
				err = w.set.tryMove(t.Context(), r, w.other(r))
			}
		}
		if err == nil && cut > 1000 {
			t.Fatal("a move takes no end")
		}
		moved := err == nil && r.Online() == nil
		for _, d := range w.dirs {
			_ = d.Close() // without power
		}
		w.fs = disk.Crash(uint64(cut))
		w.open(2)
		w.follow()
		r = w.replica("a", 0)
		if r.LogStart() != 10 || r.LogEnd() != 20 || !bytes.Equal(all(t, r), want) {
			t.Fatalf("cut after %d steps: from %d to %d in %s", cut, r.LogStart(), r.LogEnd(), r.dir().Path())
		}
		held := 0
		for _, d := range w.dirs {
			if d.Log("a", 0) != nil {
				held++
			}
		}
		if held != 1 {
			t.Fatalf("cut after %d steps: %d logs of the partition", cut, held)
		}
		if moved {
			return
		}
	}
}

// TestWhatHasMovedDoesNotComeBack: a log is cut right after its move, and what is appended then is less than what was cut. The log
// where it was, longer and in the same epoch, is not taken for it after a power loss.
func TestWhatHasMovedDoesNotComeBack(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorldOf(t, 2, 64<<10)
		w.policy = journal.FlushOS // what is not synced is lost
		w.restart()
		disk := w.fs.(*vfs.Memory)
		w.create("a", 1, []int32{1})
		r := w.replica("a", 0)
		mustAppend(t, r, batchOf(10, testTime))
		mustAppend(t, r, batchOf(10, testTime))
		if err := w.set.tryMove(t.Context(), r, w.other(r)); err != nil {
			t.Fatal(err)
		}
		if err := r.log().Truncate(10); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, r, batchOf(1, testTime.Add(time.Second)))
		if err := r.dir().Checkpoint(); err != nil {
			t.Fatal(err)
		}
		want := all(t, r)
		w.fs = disk.Crash(seed)
		for _, d := range w.dirs {
			_ = d.Close() // without power
		}
		w.open(2)
		w.follow()
		if r = w.replica("a", 0); r.LogEnd() != 11 || !bytes.Equal(all(t, r), want) {
			t.Fatalf("seed %d: after the power loss it ends at %d in %s, want 11", seed, r.LogEnd(), r.dir().Path())
		}
	}
}

// TestADirectoryThatFailsAtTheEndOfAMove keeps a longer log, in the same epoch, than what the partition then has where it went. When it
// comes back, that one counts.
func TestADirectoryThatFailsAtTheEndOfAMove(t *testing.T) {
	w := newWorldOf(t, 2, 64<<10)
	faults := vfs.NewFaults(w.fs)
	w.fs = faults
	w.restart()
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	mustAppend(t, r, batchOf(10, testTime))
	mustAppend(t, r, batchOf(10, testTime))
	from := r.dir()
	faults.Add(vfs.Fault{Op: vfs.OpRename, Path: from.Path() + "/a-0", Whole: true, Count: 1, Err: syscall.EIO})
	if err := w.set.tryMove(t.Context(), r, w.other(r)); err != nil || from.Err() == nil || r.dir() == from {
		t.Fatalf("moved: %v; where it was: %v", err, from.Err())
	}
	if err := r.log().Truncate(10); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, r, batchOf(1, testTime.Add(time.Second)))
	want := all(t, r)
	for _, d := range w.dirs {
		if err := d.Close(); (err != nil) != (d == from) {
			t.Fatal(err)
		}
	}
	w.open(2)
	w.follow()
	if r = w.replica("a", 0); r.dir().Path() == from.Path() || r.LogEnd() != 11 || !bytes.Equal(all(t, r), want) {
		t.Errorf("it ends at %d in %s, want 11", r.LogEnd(), r.dir().Path())
	}
	for _, d := range w.dirs {
		if d.Path() == from.Path() && d.Log("a", 0) != nil {
			t.Error("the older log is in service")
		}
	}
}

// reopen closes what is open, which may have failed, and opens it again, without the directory that is broken.
func (w *world) reopen(broken string) {
	for _, d := range w.dirs {
		_ = d.Close()
	}
	w.broken = broken
	w.open(len(w.dirs))
	w.follow()
}

// TestAStaleLogIsNotServed: a partition has moved, could not be removed where it was, and has grown. As long as the directory where it went
// is offline, the older log stays out of service.
func TestAStaleLogIsNotServed(t *testing.T) {
	w := newWorldOf(t, 2, 64<<10)
	faults := vfs.NewFaults(w.fs)
	w.fs = faults
	w.restart()
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	mustAppend(t, r, batchOf(10, testTime))
	from := r.dir()
	faults.Add(vfs.Fault{Op: vfs.OpRename, Path: from.Path() + "/a-0", Whole: true, Count: 1, Err: syscall.EIO})
	if err := w.set.tryMove(t.Context(), r, w.other(r)); err != nil || from.Err() == nil {
		t.Fatalf("moved: %v; where it was: %v", err, from.Err())
	}
	mustAppend(t, r, batchOf(10, testTime))
	to := r.dir().Path()

	w.reopen(to)
	if r := w.set.Get("a", 0); r != nil {
		t.Errorf("a log that ends at %d is served from %s", r.LogEnd(), r.dir().Path())
	}
	w.reopen("")
	if r := w.replica("a", 0); r.LogEnd() != 20 || r.dir().Path() != to {
		t.Errorf("it ends at %d in %s", r.LogEnd(), r.dir().Path())
	}
}

// TestACopyThatWasGivenUpIsNotServed: the directory where a partition was to go fails when the copy has its name there. The partition grows
// where it was; the copy, found when its directory is back, is set aside.
func TestACopyThatWasGivenUpIsNotServed(t *testing.T) {
	w := newWorldOf(t, 2, 64<<10)
	faults := vfs.NewFaults(w.fs)
	w.fs = faults
	w.restart()
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	mustAppend(t, r, batchOf(10, testTime))
	from, to := r.dir(), w.other(r)
	m, err := to.StartMove(r.log())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	faults.Add(vfs.Fault{Op: vfs.OpSync, Path: to.Path(), Whole: true, Count: 1, Err: syscall.EIO})
	if err := w.set.swap(t.Context(), r, m); err == nil || to.Err() == nil {
		t.Fatalf("moved: %v; where it was to go: %v", err, to.Err())
	}
	mustAppend(t, r, batchOf(10, testTime))

	w.reopen(to.Path())
	if r := w.replica("a", 0); r.LogEnd() != 20 {
		t.Errorf("it ends at %d in %s", r.LogEnd(), r.dir().Path())
	}
	w.reopen("")
	if r := w.replica("a", 0); r.LogEnd() != 20 || r.dir().Path() != from.Path() {
		t.Errorf("it ends at %d in %s", r.LogEnd(), r.dir().Path())
	}
}
