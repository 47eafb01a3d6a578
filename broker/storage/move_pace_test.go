package storage

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestACopySaysWhetherItWasHeld: whoever moves a log goes on to copy as long as it was.
func TestACopySaysWhetherItWasHeld(t *testing.T) {
	from, to := twoDirectories(t, vfs.NewMemory(nil))
	l := newLogIn(t, from)
	appendTo(t, l, keyed("a", "1"))
	appendTo(t, l, keyed("b", "2"))
	waitConfirmed(t, l)
	m, err := to.StartMove(l)
	must(t, err)
	pace := NewMovePace(0)
	m.HoldTo(pace)
	ended := make(chan error, 1)
	go func() { ended <- m.Copy(t.Context()) }()
	for m.End() < 1 {
		select {
		case err := <-ended:
			t.Fatalf("it does not wait: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	pace.Set(math.MaxInt64)
	if err := <-ended; err != nil || !m.Held() || m.End() != 2 {
		t.Errorf("copied up to %d: %v, held %t", m.End(), err, m.Held())
	}
	must(t, m.Copy(t.Context()))
	if m.Held() {
		t.Error("held without a pace")
	}
	pace.Set(0)
	appendTo(t, l, keyed("c", "3"))
	moved, err := m.Finish(t.Context()) // while appends wait
	must(t, err)
	if moved.EndOffset() != 3 || pace.Copied() != moved.Size() || pace.Waited() <= 0 {
		t.Errorf("it ends at %d and has %d bytes, of which %d are counted", moved.EndOffset(), moved.Size(), pace.Copied())
	}
	must(t, errors.Join(from.Close(), to.Close()))
}
