package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var (
	start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	here  = netip.MustParseAddr("192.0.2.1")
	there = netip.MustParseAddr("192.0.2.2")
)

func usual() Config {
	return Config{First: 100 * time.Millisecond, Most: 10 * time.Second, Lockout: 30 * time.Minute, Scope: UserAddress}
}

// rig is a guard with a clock.
type rig struct {
	t     *testing.T
	guard *Guard
	now   time.Time
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, guard: g, now: start}
}

// ask begins an attempt and asks once.
func (r *rig) ask(user string, host netip.Addr) (*Attempt, Answer) {
	a := r.guard.Attempt(user, host, r.now)
	return a, a.Ask(r.now)
}

// try is an attempt that waits as it is told to; it is nil where it is refused.
func (r *rig) try(user string, host netip.Addr) (a *Attempt, verdict Verdict, waited time.Duration) {
	began := r.now
	a = r.guard.Attempt(user, host, r.now)
	for {
		answer := a.Ask(r.now)
		switch answer.Verdict {
		case Admitted:
			return a, Admitted, r.now.Sub(began)
		case Held:
			r.now = r.now.Add(answer.Wait)
		default:
			r.now = r.now.Add(answer.Wait)
			return nil, answer.Verdict, r.now.Sub(began)
		}
		if r.now.Sub(began) > Patience {
			r.t.Fatalf("%s is held for %s", user, r.now.Sub(began))
		}
	}
}

// checked is an attempt that comes again and again until it is checked.
func (r *rig) checked(user string, host netip.Addr) *Attempt {
	r.t.Helper()
	for range 3 {
		switch a, verdict, _ := r.try(user, host); verdict {
		case Admitted:
			return a
		case RefusedLocked:
			r.t.Fatalf("%s is locked out", user)
		}
	}
	r.t.Fatalf("no attempt of %s is checked", user)
	return nil
}

// fail is an attempt with a wrong password, which is answered before the next one.
func (r *rig) fail(user string, host netip.Addr) Failure {
	r.t.Helper()
	f := r.checked(user, host).Failed(r.now)
	r.now = r.now.Add(f.Late)
	return f
}

func (r *rig) succeed(user string, host netip.Addr) {
	r.t.Helper()
	r.checked(user, host).Succeeded()
}

// unasked is a failure of an attempt that nobody has asked about.
func (r *rig) unasked(user string, host netip.Addr) {
	r.guard.Attempt(user, host, r.now).Failed(r.now)
}

func TestDelayDoubles(t *testing.T) {
	r := newRig(t, usual())
	var last time.Time
	for n, want := range []time.Duration{0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
		a := r.checked("alice", here)
		if gap := r.now.Sub(last); n > 0 && gap != want*time.Millisecond {
			t.Errorf("attempt %d is checked %s after the one before it, want %s", n, gap, want*time.Millisecond)
		}
		last = r.now
		r.now = r.now.Add(a.Failed(r.now).Late)
	}
}

func TestFailureIsAnsweredLate(t *testing.T) {
	r := newRig(t, usual())
	for n, want := range []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		a, _, waited := r.try("alice", here)
		if got := a.Failed(r.now).Late + waited; got != max(want*time.Millisecond, waited) {
			t.Errorf("failure %d is answered after %s, want %s", n+1, got, want*time.Millisecond)
		}
		r.now = r.now.Add(want * time.Millisecond)
	}
}

func TestOthersAreNotDelayed(t *testing.T) {
	r := newRig(t, usual())
	for range 8 {
		r.fail("alice", here)
	}
	for _, c := range []struct {
		user string
		host netip.Addr
	}{{"alice", there}, {"bob", here}, {"bob", there}} {
		if _, answer := r.ask(c.user, c.host); answer.Verdict != Admitted {
			t.Errorf("%s from %s: %+v", c.user, c.host, answer)
		}
	}
}

func TestSuccessForgetsItsOwnFailuresOnly(t *testing.T) {
	r := newRig(t, usual())
	for range 5 {
		r.fail("alice", here)
		r.fail("alice", there)
	}
	r.succeed("alice", here)
	if f := r.fail("alice", here); f.Late != 100*time.Millisecond {
		t.Errorf("after a success a failure is answered after %s", f.Late)
	}
	if a, _, waited := r.try("alice", there); a.Failed(r.now).Late+waited < 3*time.Second {
		t.Error("a success from elsewhere has shortened the delay")
	}
}

func TestFailuresAreForgotten(t *testing.T) {
	r := newRig(t, usual())
	for range 6 {
		r.fail("alice", here)
	}
	r.now = r.now.Add(usual().Lockout)
	if f := r.fail("alice", here); f.Late != 100*time.Millisecond {
		t.Errorf("a failure after a long time is answered after %s", f.Late)
	}
}

// TestOneAtATimeAfterAFailure: many connections at once get no more passwords checked than one.
func TestOneAtATimeAfterAFailure(t *testing.T) {
	r := newRig(t, usual())
	r.fail("alice", here)
	first, answer := r.ask("alice", here)
	if answer.Verdict != Admitted {
		t.Fatalf("%+v", answer)
	}
	r.now = r.now.Add(time.Second)
	if _, answer := r.ask("alice", here); answer.Verdict != Held {
		t.Errorf("a second attempt is checked beside the first: %+v", answer)
	}
	first.Undecided()
	first.Undecided()
	if _, answer := r.ask("alice", here); answer.Verdict != Admitted {
		t.Errorf("after an attempt without an end: %+v", answer)
	}
}

func TestFirstBurstIsBounded(t *testing.T) {
	r := newRig(t, usual())
	checked := 0
	for range 1000 {
		if _, answer := r.ask("alice", here); answer.Verdict == Admitted {
			checked++
		}
	}
	if checked != freshChecks {
		t.Errorf("%d attempts of nobody known are checked at once, want %d", checked, freshChecks)
	}
	r.succeed("bob", here)
	for range 1000 {
		if _, answer := r.ask("bob", here); answer.Verdict != Admitted {
			t.Fatalf("who has logged in before is held: %+v", answer)
		}
	}
}

// TestNothingIsDecidedWhereNothingFails: while a directory hangs, who comes after those that wait for it has done nothing wrong.
func TestNothingIsDecidedWhereNothingFails(t *testing.T) {
	for _, attempts := range []int{0, 3} {
		cfg := usual()
		cfg.Attempts = attempts
		r := newRig(t, cfg)
		var checked []*Attempt
		for range freshChecks {
			if a, answer := r.ask("alice", here); answer.Verdict == Admitted {
				checked = append(checked, a)
			}
		}
		late, _ := r.ask("alice", here)
		r.now = r.now.Add(Patience)
		if answer := late.Ask(r.now); answer.Verdict != Busy {
			t.Errorf("lock-out after %d: %+v", attempts, answer)
		}
		checked[0].Failed(r.now)
		late, _ = r.ask("alice", here)
		r.now = r.now.Add(Patience)
		if answer := late.Ask(r.now); answer.Verdict != RefusedForNow {
			t.Errorf("lock-out after %d, after a failure: %+v", attempts, answer)
		}
	}
}

func TestAddressIsSlowed(t *testing.T) {
	r := newRig(t, usual())
	r.succeed("good", here)
	for n := range 100 {
		r.fail(fmt.Sprint("guess ", n), here)
	}
	most := usual().Most / addressShare
	began, checks := r.now, 0
	for n := range 40 {
		r.fail(fmt.Sprint("more ", n), here)
		checks++
	}
	if gap := r.now.Sub(began) / time.Duration(checks); gap < most {
		t.Errorf("an address with many failures has an attempt checked every %s, want %s at least", gap, most)
	}
	a, answer := r.ask("good", here)
	if answer.Verdict != Admitted {
		t.Errorf("who has logged in from a bad address before: %+v", answer)
	}
	a.Succeeded()
	if _, answer := r.ask("new", there); answer.Verdict != Admitted {
		t.Errorf("another address: %+v", answer)
	}
	r.now = r.now.Add(10 * addressHalfLife)
	for range freshChecks {
		if _, answer := r.ask("new", here); answer.Verdict != Admitted {
			t.Errorf("the address does not cool down: %+v", answer)
		}
	}
}

func TestAddressesThatCountAsOne(t *testing.T) {
	for _, c := range []struct {
		one, other string
		same       bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if got := networkOf(netip.MustParseAddr(c.one)) == networkOf(netip.MustParseAddr(c.other)); got != c.same {
			t.Errorf("%s and %s are one: %t", c.one, c.other, got)
		}
	}
	if networkOf(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address is one")
	}
}

func locking(scope Scope) Config {
	cfg := usual()
	cfg.Attempts, cfg.Scope = 4, scope
	return cfg
}

func TestLockOut(t *testing.T) {
	r := newRig(t, locking(UserAddress))
	for n := range 4 {
		f := r.fail("nobody knows", here)
		if locked := !f.LockedUntil.IsZero(); locked != (n == 3) {
			t.Errorf("failure %d: locked until %s", n+1, f.LockedUntil)
		}
	}
	if _, verdict, _ := r.try("nobody knows", here); verdict != RefusedLocked {
		t.Errorf("verdict %d", verdict)
	}
	if r.guard.Locked(r.now) != 1 {
		t.Errorf("%d are locked", r.guard.Locked(r.now))
	}
	if _, answer := r.ask("nobody knows", there); answer.Verdict != Admitted {
		t.Errorf("from elsewhere: %+v", answer)
	}
	r.now = r.now.Add(30 * time.Minute)
	if _, answer := r.ask("nobody knows", here); answer.Verdict != Admitted {
		t.Errorf("after the lock: %+v", answer)
	}
	if r.guard.Locked(r.now) != 0 {
		t.Errorf("%d are still locked", r.guard.Locked(r.now))
	}
}

func TestLockOutFromEverywhere(t *testing.T) {
	r := newRig(t, locking(User))
	r.fail("alice", here)
	r.fail("alice", here)
	r.succeed("alice", netip.MustParseAddr("192.0.2.3")) // the owner, who comes and goes, must not help who guesses
	r.fail("alice", there)
	if f := r.fail("alice", there); f.LockedUntil.IsZero() {
		t.Error("failures from two addresses do not lock")
	}
	for _, host := range []netip.Addr{here, there, netip.MustParseAddr("192.0.2.4")} {
		if _, verdict, _ := r.try("alice", host); verdict != RefusedLocked {
			t.Errorf("from %s: %d", host, verdict)
		}
	}
	if _, answer := r.ask("bob", here); answer.Verdict != Admitted {
		t.Errorf("another user: %+v", answer)
	}
}

// TestManyAtOnceDoNotPassTheLock: what is being checked counts until it is decided.
func TestManyAtOnceDoNotPassTheLock(t *testing.T) {
	for _, scope := range []Scope{UserAddress, User} {
		r := newRig(t, locking(scope))
		r.succeed("alice", here)
		var checked []*Attempt
		for range 100 {
			if a, answer := r.ask("alice", here); answer.Verdict == Admitted {
				checked = append(checked, a)
			}
		}
		if len(checked) != 4 {
			t.Errorf("scope %d: %d attempts are checked at once, 4 failures lock", scope, len(checked))
		}
		for _, a := range checked {
			a.Failed(r.now)
		}
		if _, verdict, _ := r.try("alice", here); verdict != RefusedLocked {
			t.Errorf("scope %d: verdict %d", scope, verdict)
		}
	}
}

func TestWithoutDelays(t *testing.T) {
	cfg := locking(UserAddress)
	cfg.First = 0
	r := newRig(t, cfg)
	for range 4 {
		if f := r.fail("alice", here); f.Late != 0 {
			t.Errorf("late by %s", f.Late)
		}
	}
	if _, answer := r.ask("alice", here); answer != (Answer{Verdict: RefusedLocked}) {
		t.Errorf("%+v", answer)
	}
}

func TestFailuresThatWereNotAskedAbout(t *testing.T) {
	r := newRig(t, locking(UserAddress))
	for range 100 {
		r.guard.Failed(here, r.now)
	}
	if _, answer := r.ask("new", here); answer.Verdict != Held {
		t.Errorf("an address with many failed certificates: %+v", answer)
	}
	a, answer := r.ask("", here)
	if answer.Verdict != Admitted {
		t.Errorf("who has claimed nothing yet: %+v", answer)
	}
	a.Succeeded()
}

func TestMemoryIsBounded(t *testing.T) {
	r := newRig(t, locking(UserAddress))
	r.succeed("good", here)
	for range 4 {
		r.unasked("locked", here)
	}
	for n := range 2 * maxPairs {
		r.unasked(fmt.Sprint("guess ", n), netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}))
	}
	if n := r.guard.pairs.Len() + r.guard.accounts.Len() + r.guard.addresses.Len(); n > 2*maxPairs+maxAddresses {
		t.Errorf("%d things are remembered", n)
	}
	if _, answer := r.ask("good", here); answer.Verdict != Admitted {
		t.Errorf("who has logged in is forgotten: %+v", answer)
	}
	if _, verdict, _ := r.try("locked", here); verdict != RefusedLocked {
		t.Error("a lock is forgotten")
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no scope":        func(c *Config) { c.Scope = 0 },
		"no time":         func(c *Config) { c.Lockout = 0 },
		"negative first":  func(c *Config) { c.First = -1 },
		"negative number": func(c *Config) { c.Attempts = -1 },
	} {
		cfg := usual()
		change(&cfg)
		if _, err := New(cfg); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]Scope{"user": User, "user-address": UserAddress} {
		if got, err := ParseScope(text); got != want || err != nil {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	if _, err := ParseScope("all"); !errors.Is(err, ErrBadConfig) {
		t.Errorf("%v", err)
	}
}
