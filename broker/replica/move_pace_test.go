package replica

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/storage"
)

// TestAMoveKeepsToItsPace: at a pace of 0 a move stands still behind what it has copied, and holds up no append; at another it goes on.
func TestAMoveKeepsToItsPace(t *testing.T) {
	w := newWorld(t, 2)
	pace := storage.NewMovePace(0)
	w.set.cfg.MovePace = pace
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	mustAppend(t, r, batchOf(10, testTime))
	mustAppend(t, r, batchOf(10, testTime))
	ctx, cancel := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() { w.set.Move(ctx) })
	defer background.Wait()
	defer cancel()
	from, to := r.dir(), w.other(r)
	if err := w.startMove("a", 0, to.Path()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a batch to be copied", func() bool { return pace.Copied() > 0 })
	for range 20 {
		mustAppend(t, r, batchOf(1, testTime))
	}
	if m := r.future.Load(); m == nil || m.End() != 10 || r.dir() != from {
		t.Errorf("the move goes on: %+v, the partition is in %s", m, r.dir().Path())
	}
	pace.Set(1 << 20)
	eventually(t, "the move to end", func() bool { return r.dir() == to })
	mustAppend(t, r, batchOf(1, testTime))
	if r.LogEnd() != 41 || bytes.Count(all(t, r), []byte("value 0")) != 23 {
		t.Errorf("it has moved up to offset %d", r.LogEnd())
	}
	if pace.Waited() <= 0 {
		t.Error("no wait is counted")
	}
}

// TestAMoveThatIsHeldToAPaceIsGivenUp while it waits.
func TestAMoveThatIsHeldToAPaceIsGivenUp(t *testing.T) {
	w := newWorld(t, 2)
	pace := storage.NewMovePace(1)
	w.set.cfg.MovePace = pace
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	mustAppend(t, r, batchOf(10, testTime))
	if err := w.startMove("a", 0, w.other(r).Path()); err != nil {
		t.Fatal(err)
	}
	moving, r, to := w.set.moves.next(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.set.move(moving, r, to) }()
	eventually(t, "a batch to be copied", func() bool { return pace.Copied() > 0 })
	if err := w.startMove("a", 0, r.dir().Path()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("it waits on")
	}
	if !bytes.Contains(w.logged.Bytes(), []byte("given up, as asked for")) {
		t.Errorf("logged %s", &w.logged)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
