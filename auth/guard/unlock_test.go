package guard

import (
	"testing"
	"time"
)

func TestUnlock(t *testing.T) {
	for _, scope := range []Scope{UserAddress, User} {
		r := newRig(t, locking(scope))
		for _, user := range []string{"alice", "bob"} {
			for range 4 {
				r.fail(user, here)
			}
		}
		if n := r.guard.Unlock("nobody"); n != 0 {
			t.Errorf("scope %d: %d locks of nobody", scope, n)
		}
		if n := r.guard.Unlock("alice"); n != 1 || r.guard.Locked(r.now) != 1 {
			t.Errorf("scope %d: %d locks are lifted, %d hold", scope, n, r.guard.Locked(r.now))
		}
		a, answer := r.ask("alice", here)
		if answer.Verdict != Admitted {
			t.Fatalf("scope %d: %+v", scope, answer)
		}
		if f := a.Failed(r.now); f.Late != 100*time.Millisecond || !f.LockedUntil.IsZero() {
			t.Errorf("scope %d: failures from before count: %+v", scope, f)
		}
		if _, verdict, _ := r.try("bob", here); verdict != RefusedLocked {
			t.Errorf("scope %d: bob: %d", scope, verdict)
		}
	}
}

// TestUnlockCallsWhoIsHeld: who waits since one more failure would lock may go on.
func TestUnlockCallsWhoIsHeld(t *testing.T) {
	r := newRig(t, locking(User))
	for range 3 {
		r.fail("alice", here)
	}
	r.checked("alice", here)
	held, answer := r.ask("alice", there)
	r.guard.Unlock("alice")
	if answer.Verdict != Held || !isClosed(answer.Turn) || held.Ask(r.now).Verdict != Admitted {
		t.Errorf("%+v", answer)
	}
}
