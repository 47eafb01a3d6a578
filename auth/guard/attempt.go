package guard

import (
	"net/netip"
	"strings"
	"time"
)

// Verdict says what becomes of an attempt. The zero value refuses it.
type Verdict int8

const (
	// RefusedForNow means that too many other attempts are before this one: it is not checked.
	RefusedForNow Verdict = iota
	// RefusedLocked means that the user is locked out: it is not checked.
	RefusedLocked
	// Held means that the caller asks again after the answer's Wait, or when its Turn is closed.
	Held
	// Busy means that nothing has failed, and that others of the same user have been checked for so long that this one can not be: it is
	// not decided.
	Busy
	// Admitted means that the attempt is checked now, and that the caller then says how it ended.
	Admitted
)

// Answer is a verdict.
type Answer struct {
	Verdict Verdict
	// Wait is when to ask again where the verdict is Held, and how much later a refusal is answered.
	Wait time.Duration
	// Turn is closed when another attempt has ended that a Held one waits for; nil where it waits for time alone.
	Turn <-chan struct{}
}

// Attempt is one attempt to log in, from when its password has come. It is used by one goroutine.
type Attempt struct {
	guard   *Guard
	pair    key
	arrived time.Time
	// underWay says that it was admitted and has not ended.
	underWay bool
}

// Attempt begins an attempt at the password of a user. user is "" where no password is to be proved, and the attempt is admitted. It may be a
// part of a message, which is not kept with it.
func (g *Guard) Attempt(user string, host netip.Addr, now time.Time) *Attempt {
	return &Attempt{guard: g, pair: key{user: strings.Clone(user), from: networkOf(host)}, arrived: now}
}

// Ask says whether the attempt may be checked now. A caller that asks when it is told to is held for at most Patience.
func (a *Attempt) Ask(now time.Time) Answer {
	g := a.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.pair.user == "" {
		a.underWay = true
		return Answer{Verdict: Admitted}
	}
	if g.isLocked(g.account(a.pair), now) {
		return Answer{Verdict: RefusedLocked, Wait: a.restOf(g.late(maxDoublings), now)}
	}
	turn, wait, rest := g.turnOf(a.pair, now), g.waitFor(a.pair, now), a.restOf(Patience, now)
	switch {
	case turn == nil && wait == 0:
		g.admit(a.pair, now)
		a.underWay = true
		return Answer{Verdict: Admitted}
	case turn != nil && rest > 0 && wait <= rest:
		return Answer{Verdict: Held, Wait: rest, Turn: turn}
	case turn == nil && wait <= rest:
		return Answer{Verdict: Held, Wait: wait}
	case g.nothingFailed(a.pair, now):
		return Answer{Verdict: Busy}
	default:
		return Answer{Verdict: RefusedForNow, Wait: a.restOf(g.late(maxDoublings), now)}
	}
}

// maxDoublings makes any delay the longest: a duration has 63 bits.
const maxDoublings = 64

// restOf is what is left of a time since the attempt came.
func (a *Attempt) restOf(whole time.Duration, now time.Time) time.Duration {
	return max(0, whole-now.Sub(a.arrived))
}

// Failed says that an admitted attempt was no right log-in. One of nobody known counts for its address alone.
func (a *Attempt) Failed(now time.Time) Failure {
	g := a.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	a.end()
	f := g.failed(a.pair, now)
	f.Late = a.restOf(f.Late, now)
	return f
}

// Succeeded says that an admitted attempt had the right password. It forgets the failures of its user from its address.
func (a *Attempt) Succeeded() {
	g := a.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	a.end()
	if a.pair.user == "" {
		return
	}
	g.pairs.Remove(a.pair)
	g.proven.Add(a.pair, struct{}{})
	if t, found := g.accounts.Get(g.account(a.pair)); found && g.cfg.Scope == UserAddress {
		t.failures = 0
	}
}

// Undecided says that an admitted attempt came to no end: it counts as nothing. After Failed or Succeeded it does nothing.
func (a *Attempt) Undecided() {
	a.guard.mu.Lock()
	defer a.guard.mu.Unlock()
	a.end()
}

// end takes the attempt out of those that are being checked. What was pushed out of memory meanwhile is not missed.
func (a *Attempt) end() {
	if !a.underWay {
		return
	}
	a.underWay = false
	for _, t := range a.guard.talliesOf(a.pair) {
		if t != nil && t.underWay > 0 {
			t.underWay--
			t.wake()
		}
	}
}

// talliesOf returns the tallies of a pair and of its account, nil where there is none.
func (g *Guard) talliesOf(pair key) [2]*tally {
	p, _ := g.pairs.Get(pair)
	a, _ := g.accounts.Get(g.account(pair))
	return [2]*tally{p, a}
}

// turnOf is nil where a pair waits for no other attempt to end; else it is closed when one has ended.
func (g *Guard) turnOf(pair key, now time.Time) <-chan struct{} {
	tallies := g.talliesOf(pair)
	if t := tallies[0]; t != nil && g.cfg.First > 0 && t.underWay > 0 {
		t.forget(now, g.cfg.Lockout)
		_, proven := g.proven.Get(pair)
		if t.failures > 0 || !proven && t.underWay >= freshChecks {
			return t.turn()
		}
	}
	if t := tallies[1]; t != nil && t.underWay > 0 {
		t.forget(now, g.cfg.Lockout)
		if t.failures+t.underWay >= g.cfg.Attempts {
			return t.turn()
		}
	}
	return nil
}

// waitFor is how long until a pair's next attempt may be checked as far as time decides, 0 for now.
func (g *Guard) waitFor(pair key, now time.Time) time.Duration {
	var wait time.Duration
	if t, found := g.pairs.Get(pair); found {
		t.forget(now, g.cfg.Lockout)
		if t.failures > 0 {
			wait = t.next.Sub(now)
		}
	}
	_, proven := g.proven.Get(pair)
	if h, found := g.addresses.Get(pair.from); found && !proven && g.addressDelay(h.at(now)) > 0 {
		wait = max(wait, h.next.Sub(now))
	}
	return max(0, wait)
}

// nothingFailed reports whether a pair waits for attempts that are being checked, and for no failure.
func (g *Guard) nothingFailed(pair key, now time.Time) bool {
	for _, t := range g.talliesOf(pair) {
		if t != nil && t.failures > 0 {
			return false
		}
	}
	h, found := g.addresses.Get(pair.from)
	return !found || g.addressDelay(h.at(now)) == 0
}

// admit counts an attempt that is being checked.
func (g *Guard) admit(pair key, now time.Time) {
	t := tallyOf(g.pairs, pair)
	t.underWay++
	t.holdUntil(now.Add(g.delay(t.failures)))
	if g.cfg.Attempts > 0 {
		tallyOf(g.accounts, g.account(pair)).underWay++
	}
	if _, proven := g.proven.Get(pair); proven {
		return
	}
	if h, found := g.addresses.Get(pair.from); found {
		h.holdUntil(now.Add(g.addressDelay(h.at(now))))
	}
}
