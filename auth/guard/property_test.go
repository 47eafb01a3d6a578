package guard

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is many clients at one guard, and what must hold of it whatever they do.
type world struct {
	guard *Guard
	cfg   Config
	now   time.Time
	open  []*client
	// rows counts failures in a row of an account, as they are ended; checks tells when a pair's last one was checked after a failure.
	rows   map[key]*row
	checks map[key]*pairChecks
}

type client struct {
	attempt *Attempt
	pair    key
	next    time.Time
	turn    <-chan struct{}
	began   time.Time
	checked bool
}

// called reports whether the client is told to ask again before its time.
func (c *client) called() bool {
	select {
	case <-c.turn:
		return true
	default:
		return false
	}
}

type row struct {
	failures int
	last     time.Time
	locked   time.Time
}

type pairChecks struct {
	failures int
	last     time.Time
	checked  time.Time
	underWay int
	proven   bool
}

func (w *world) row(k key) *row {
	if w.rows[k] == nil {
		w.rows[k] = &row{}
	}
	return w.rows[k]
}

func (w *world) pair(k key) *pairChecks {
	if w.checks[k] == nil {
		w.checks[k] = &pairChecks{}
	}
	return w.checks[k]
}

func (w *world) arrive(t *rapid.T) {
	user := fmt.Sprint("user", rapid.IntRange(0, 2).Draw(t, "user"))
	host := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(0, 1).Draw(t, "host"))})
	w.open = append(w.open, &client{
		attempt: w.guard.Attempt(user, host, w.now), pair: key{user: user, from: networkOf(host)}, next: w.now, began: w.now,
	})
}

// step lets one client go on.
func (w *world) step(t *rapid.T) {
	if len(w.open) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.open)-1).Draw(t, "client")
	c := w.open[i]
	switch {
	case c.checked:
		w.end(t, c)
	case w.now.Before(c.next) && !c.called():
		return
	case w.ask(t, c):
		return
	}
	w.open = append(w.open[:i], w.open[i+1:]...)
}

// ask reports whether the client goes on.
func (w *world) ask(t *rapid.T, c *client) bool {
	answer := c.attempt.Ask(w.now)
	row, pair := w.row(w.guard.account(c.pair)), w.pair(c.pair)
	if w.now.Sub(row.last) >= w.cfg.Lockout {
		row.failures = 0
	}
	if w.now.Sub(pair.last) >= w.cfg.Lockout {
		pair.failures = 0
	}
	locked := w.now.Before(row.locked)
	if (answer.Verdict == RefusedLocked) != locked {
		t.Fatalf("verdict %d of %v, locked: %t", answer.Verdict, c.pair, locked)
	}
	switch answer.Verdict {
	case Held:
		if answer.Wait <= 0 || w.now.Add(answer.Wait).Sub(c.began) > Patience {
			t.Fatalf("held for %s after %s", answer.Wait, w.now.Sub(c.began))
		}
		c.next, c.turn = w.now.Add(answer.Wait), answer.Turn
		return true
	case Admitted:
		if pair.failures > 0 && (pair.underWay > 0 || w.now.Sub(pair.checked) < w.guard.delay(pair.failures)) {
			t.Fatalf("checked %s after the last of %d failures, %d under way", w.now.Sub(pair.checked), pair.failures, pair.underWay)
		}
		pair.underWay++
		pair.checked = w.now
		c.checked = true
		return true
	default:
		if answer.Wait > Patience {
			t.Fatalf("refused %s late", answer.Wait)
		}
		if pair.proven && pair.failures == 0 && w.cfg.Attempts == 0 {
			t.Fatalf("who has logged in before is refused: %v", c.pair)
		}
		return false
	}
}

func (w *world) end(t *rapid.T, c *client) {
	row, pair := w.row(w.guard.account(c.pair)), w.pair(c.pair)
	pair.underWay--
	switch rapid.IntRange(0, 5).Draw(t, "outcome") {
	case 0:
		c.attempt.Succeeded()
		*pair = pairChecks{proven: true} // those that are under way are not counted any more
		if w.cfg.Scope == UserAddress {
			row.failures = 0
		}
	case 1:
		c.attempt.Undecided()
	default:
		f := c.attempt.Failed(w.now)
		if w.now.Sub(pair.last) >= w.cfg.Lockout {
			pair.failures = 0
		}
		pair.failures, pair.last = pair.failures+1, w.now
		pair.checked = w.now
		w.count(t, row, f)
	}
	pair.underWay = max(0, pair.underWay)
	w.nobodyIsForgotten(t)
}

// nobodyIsForgotten checks that who is not called and has to wait would not be admitted either. What time alone has freed is found when
// the client asks again.
func (w *world) nobodyIsForgotten(t *rapid.T) {
	for _, c := range w.open {
		fresh := w.now.Sub(w.row(w.guard.account(c.pair)).last) < w.cfg.Lockout && w.now.Sub(w.pair(c.pair).last) < w.cfg.Lockout
		if c.turn == nil || c.checked || c.called() || !w.now.Before(c.next) || !fresh {
			continue
		}
		if answer := c.attempt.Ask(w.now); answer.Verdict != Held {
			t.Fatalf("not called, and asking gives %+v", answer)
		}
	}
}

// count checks that exactly so many failures in a row lock.
func (w *world) count(t *rapid.T, row *row, f Failure) {
	if w.cfg.Attempts == 0 || w.now.Before(row.locked) {
		if !f.LockedUntil.IsZero() {
			t.Fatal("a lock begins that should not")
		}
		return
	}
	if w.now.Sub(row.last) >= w.cfg.Lockout {
		row.failures = 0
	}
	row.failures, row.last = row.failures+1, w.now
	if locks := row.failures >= w.cfg.Attempts; locks != !f.LockedUntil.IsZero() {
		t.Fatalf("failure %d of %d in a row: locked until %s", row.failures, w.cfg.Attempts, f.LockedUntil)
	}
	if !f.LockedUntil.IsZero() {
		row.failures, row.locked = 0, f.LockedUntil
	}
}

// TestWhateverClientsDo: failures are a delay apart and one at a time, exactly so many lock, and nobody is held for longer than
// the patience.
func TestWhateverClientsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			First: 100 * time.Millisecond, Most: 10 * time.Second, Lockout: time.Minute,
			Attempts: rapid.SampledFrom([]int{0, 1, 3, 10}).Draw(t, "attempts"),
			Scope:    rapid.SampledFrom([]Scope{UserAddress, User}).Draw(t, "scope"),
		}
		g, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{guard: g, cfg: cfg, now: start, rows: map[key]*row{}, checks: map[key]*pairChecks{}}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": w.arrive,
			"step":   w.step,
			"pass": func(t *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
			},
		})
	})
}
