package guard

import (
	"fmt"
	"testing"
	"time"
)

func isClosed(turn <-chan struct{}) bool {
	select {
	case <-turn:
		return true
	default:
		return false
	}
}

// TestTurnComesWithTheEnd: who is held because others are being checked is called when one of them has ended, however it ended.
func TestTurnComesWithTheEnd(t *testing.T) {
	for name, end := range map[string]func(*Attempt, time.Time){
		"right":     func(a *Attempt, _ time.Time) { a.Succeeded() },
		"wrong":     func(a *Attempt, now time.Time) { a.Failed(now) },
		"undecided": func(a *Attempt, _ time.Time) { a.Undecided() },
	} {
		r := newRig(t, usual())
		r.fail("alice", here)
		first := r.checked("alice", here)
		r.now = r.now.Add(time.Second)
		held, answer := r.ask("alice", here)
		if answer.Verdict != Held || answer.Wait != Patience || answer.Turn == nil || isClosed(answer.Turn) {
			t.Fatalf("%s: %+v", name, answer)
		}
		end(first, r.now)
		if !isClosed(answer.Turn) {
			t.Errorf("%s: not called", name)
		}
		if again := held.Ask(r.now); name == "wrong" && (again.Verdict != Held || again.Turn != nil || again.Wait != 200*time.Millisecond) ||
			name != "wrong" && again.Verdict != Admitted {
			t.Errorf("%s: asked again: %+v", name, again)
		}
	}
}

// TestTurnOfTheLastBeforeALock: where one more failure locks, the others wait for the one that is being checked.
func TestTurnOfTheLastBeforeALock(t *testing.T) {
	r := newRig(t, locking(User))
	for range 3 {
		r.fail("alice", here)
	}
	last := r.checked("alice", there)
	held, answer := r.ask("alice", there)
	if answer.Verdict != Held || answer.Turn == nil {
		t.Fatalf("%+v", answer)
	}
	last.Failed(r.now)
	if !isClosed(answer.Turn) || held.Ask(r.now).Verdict != RefusedLocked {
		t.Error("not called, or not locked")
	}
}

// TestForgottenTurnIsCalled: those that wait for an attempt that is pushed out of memory are called, since nobody would at its end.
func TestForgottenTurnIsCalled(t *testing.T) {
	r := newRig(t, usual())
	for range freshChecks {
		r.ask("alice", here)
	}
	_, answer := r.ask("alice", here)
	for n := range maxPairs {
		r.unasked(fmt.Sprint("guess ", n), there)
	}
	if answer.Verdict != Held || !isClosed(answer.Turn) {
		t.Errorf("%+v", answer)
	}
}
