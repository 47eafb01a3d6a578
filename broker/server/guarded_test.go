package server

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/broker/wire"
)

// counted is a mechanism that counts how often a password is looked at, and tells before whose it is.
type counted struct {
	password
	looks *atomic.Int32
}

func (m counted) Start() auth.Exchange {
	return &countedExchange{Exchange: m.password.Start(), looks: m.looks}
}

type countedExchange struct {
	auth.Exchange
	looks *atomic.Int32
}

func (e *countedExchange) Foretell(m []byte) string {
	user, _, _ := strings.Cut(string(m), ":")
	return user
}

func (e *countedExchange) Step(ctx context.Context, m []byte) ([]byte, *auth.Outcome, error) {
	if len(m) > 0 {
		e.looks.Add(1)
	}
	return e.Exchange.Step(ctx, m)
}

// guardedRig is a server with a guard, and how many passwords it has looked at.
func guardedRig(t *testing.T, cfg guard.Config) (*rig, *atomic.Int32) {
	t.Helper()
	looks := &atomic.Int32{}
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{counted{password{name: "TEST"}, looks}}
	r := newRig(t, l, func(c *Config) { c.Guard = newGuard(t, cfg) })
	return r, looks
}

// try is one log-in; it returns the code and what the client is told.
func (r *rig) try(message string) (code int16, told string) {
	c := r.dial()
	c.handshake("TEST", 1)
	got := c.authenticate(message)
	if got.ErrorMessage != nil {
		told = *got.ErrorMessage
	}
	return got.ErrorCode, told
}

// count adds up what counters count, over all their labels.
func count(t testing.TB, counters prometheus.Collector) (n float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(counters)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			n += m.GetCounter().GetValue()
		}
	}
	return n
}

func TestLockOut(t *testing.T) {
	r, looks := guardedRig(t, guard.Config{Attempts: 3, Lockout: time.Hour, Scope: guard.UserAddress})
	for range 3 {
		r.try("alice:wrong")
	}
	for _, message := range []string{"alice:wrong", "alice:right"} {
		if code, told := r.try(message); code != wire.SASLAuthenticationFailed || told != auth.PublicFailure {
			t.Errorf("%s: %s, %q", message, wire.CodeName(code), told)
		}
		if f := r.record.lastFailure(t); !errors.Is(f.Cause, errLockedOut) || f.Claimed != "alice" {
			t.Errorf("recorded %+v", f)
		}
	}
	if looks.Load() != 3 {
		t.Errorf("%d passwords were looked at, want 3", looks.Load())
	}
	if code, _ := r.try("bob:right"); code != 0 {
		t.Errorf("another user: %s", wire.CodeName(code))
	}
	if want := (Lockout{User: "alice", Method: "TEST", Duration: time.Hour}); len(r.record.lockouts) != 1 || r.record.lockouts[0] != want {
		t.Errorf("recorded %+v", r.record.lockouts)
	}
	m := r.server.cfg.Metrics
	if locked, begun := count(t, m.unchecked), count(t, m.lockouts); locked != 2 || begun != 1 {
		t.Errorf("counted: %v refused, %v lock-outs", locked, begun)
	}
}

// TestDelayedLogIn: after a failure one password is looked at at a time; a right one waits for its turn and is taken.
func TestDelayedLogIn(t *testing.T) {
	r, looks := guardedRig(t, guard.Config{First: time.Millisecond, Most: time.Millisecond, Lockout: time.Hour, Scope: guard.UserAddress})
	c := r.dial()
	c.handshake("TEST", 1)
	host := hostOf(c.nc.LocalAddr())
	r.server.cfg.Guard.Attempt("alice", host, time.Now()).Failed(time.Now().Add(-time.Second))
	before := r.server.cfg.Guard.Attempt("alice", host, time.Now())
	if answer := before.Ask(time.Now()); answer.Verdict != guard.Admitted {
		t.Fatalf("%+v", answer)
	}
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.SASLAuthBytes = []byte("alice:right")
	id := c.ask(q, 2)
	r.until(func() bool { return count(t, r.server.cfg.Metrics.delayed) == 1 })
	if looks.Load() != 0 {
		t.Error("a second password is looked at beside the first")
	}
	before.Undecided()
	response := q.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	c.get(id, response)
	if response.ErrorCode != 0 || looks.Load() != 1 {
		t.Errorf("%s, %d passwords were looked at", wire.CodeName(response.ErrorCode), looks.Load())
	}
}

// TestRefusedWithoutALook: what would have to wait for too long is answered as a wrong password, and costs no hash.
func TestRefusedWithoutALook(t *testing.T) {
	r, looks := guardedRig(t, guard.Config{First: time.Hour, Most: time.Hour, Lockout: 2 * time.Hour, Scope: guard.UserAddress})
	c := r.dial()
	c.handshake("TEST", 1)
	r.server.cfg.Guard.Attempt("alice", hostOf(c.nc.LocalAddr()), time.Now().Add(-guard.Patience)).Failed(time.Now().Add(-guard.Patience))
	if got := c.authenticate("alice:right"); got.ErrorCode != wire.SASLAuthenticationFailed || *got.ErrorMessage != auth.PublicFailure {
		t.Errorf("%+v", got)
	}
	if f := r.record.lastFailure(t); !errors.Is(f.Cause, errHeldBack) {
		t.Errorf("cause %v", f.Cause)
	}
	if unchecked := count(t, r.server.cfg.Metrics.unchecked); looks.Load() != 0 || unchecked != 1 {
		t.Errorf("%d passwords were looked at, %v counted as not", looks.Load(), unchecked)
	}
}

// TestBusyIsNotDecided: who waits in vain for others of the same name, none of whom has failed, is not told that his password is wrong.
func TestBusyIsNotDecided(t *testing.T) {
	r, _ := guardedRig(t, guard.Config{First: time.Hour, Most: time.Hour, Lockout: 2 * time.Hour, Scope: guard.UserAddress})
	l := &login{conn: &conn{server: r.server, listener: &Listener{Name: "TEST"}}}
	for g := r.server.cfg.Guard; g.Attempt("alice", netip.Addr{}, time.Now()).Ask(time.Now()).Verdict == guard.Admitted; {
	}
	late := r.server.cfg.Guard.Attempt("alice", netip.Addr{}, time.Now().Add(-guard.Patience))
	if _, err := l.await(t.Context(), late); !errors.Is(err, auth.ErrUndecided) || !errors.Is(err, errBusy) {
		t.Errorf("%v", err)
	}
	if unchecked := count(t, r.server.cfg.Metrics.unchecked); unchecked != 1 {
		t.Errorf("%v counted as unchecked", unchecked)
	}
}

// TestUndecidedLogInCountsAsNothing: a broker that is too busy to look must not lock its users out.
func TestUndecidedLogInCountsAsNothing(t *testing.T) {
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{overrun{password{name: "TEST"}}}
	r := newRig(t, l, func(c *Config) {
		c.Guard = newGuard(t, guard.Config{Attempts: 1, Lockout: time.Hour, Scope: guard.UserAddress})
	})
	for range 3 {
		c := r.dial()
		c.handshake("TEST", 1)
		q := kmsg.NewPtrSASLAuthenticateRequest()
		q.SASLAuthBytes = []byte("alice:wrong")
		c.ask(q, 2)
		c.closed()
	}
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	if len(r.record.failures) != 3 || len(r.record.lockouts) != 0 {
		t.Errorf("locked out: %+v", r.record.lockouts)
	}
}

// TestForgedTokensLockNobody: a ticket or a token names whom its maker likes.
func TestForgedTokensLockNobody(t *testing.T) {
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{password{name: "TOKEN"}, counted{password{name: "TEST"}, &atomic.Int32{}}}
	r := newRig(t, l, func(c *Config) {
		c.Guard = newGuard(t, guard.Config{Attempts: 1, Lockout: time.Hour, Scope: guard.User})
	})
	for range 3 {
		c := r.dial()
		c.handshake("TOKEN", 1)
		if got := c.authenticate("alice:forged"); got.ErrorCode != wire.SASLAuthenticationFailed {
			t.Fatalf("%+v", got)
		}
		if f := r.record.lastFailure(t); f.Claimed != "alice" {
			t.Errorf("recorded %+v", f)
		}
	}
	if code, _ := r.try("alice:right"); code != 0 {
		t.Errorf("with the password: %s", wire.CodeName(code))
	}
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	if len(r.record.lockouts) != 0 {
		t.Errorf("locked out: %+v", r.record.lockouts)
	}
}
