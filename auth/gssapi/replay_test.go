package gssapi

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// TestReplay: an authenticator is good for one log-in, on whatever listener, also for many who come at once.
func TestReplay(t *testing.T) {
	shared := NewReplays()
	share := func(c *Config) { c.Replays = shared }
	first, second := newMechanism(t, share), newMechanism(t, share)
	c := client{enctype: 18, principal: []string{"alice"}, flags: flagsOfCyrus, subkey: true}
	token := c.initial(t)
	var accepted, replayed atomic.Int32
	var all sync.WaitGroup
	for i := range 32 {
		m := first
		if i%2 == 0 {
			m = second
		}
		all.Go(func() {
			_, _, err := m.Start().Step(t.Context(), token)
			switch {
			case err == nil:
				accepted.Add(1)
			case errors.Is(err, ErrReplay) && errors.Is(err, auth.ErrUndecided):
				replayed.Add(1)
			}
		})
	}
	all.Wait()
	if accepted.Load() != 1 || replayed.Load() != 31 {
		t.Errorf("accepted %d times, refused as a replay %d times", accepted.Load(), replayed.Load())
	}
	if _, err := c.logIn(t, first); err != nil {
		t.Errorf("another authenticator of the same second: %v", err)
	}
}

// TestOnlyVerifiedAuthenticatorsAreRemembered: a stranger fills nothing.
func TestOnlyVerifiedAuthenticatorsAreRemembered(t *testing.T) {
	m := newMechanism(t, func(c *Config) { c.Replays = newReplays(1) })
	c := client{enctype: 18, principal: []string{"alice"}, flags: flagsOfFranz}
	request := c.apReq(t)
	request.EncryptedAuthenticator.Cipher[0] ^= 1
	if _, _, err := m.Start().Step(t.Context(), wrapToken(must(request.Marshal()), tokenAPReq)); err == nil {
		t.Fatal("a changed authenticator is accepted")
	}
	if _, err := c.logIn(t, m); err != nil {
		t.Fatal(err)
	}
	if _, err := c.logIn(t, m); !errors.Is(err, errFull) || !errors.Is(err, auth.ErrUndecided) {
		t.Errorf("with a full memory: %v", err)
	}
}

// TestReplaysAreForgotten once they are too old to be accepted, and not before.
func TestReplaysAreForgotten(t *testing.T) {
	r := newReplays(3)
	add := func(text string, now time.Time) error { return r.add([]byte(text), now, now.Add(2*time.Minute)) }
	for i, text := range []string{"a", "b", "c"} {
		if err := add(text, noon.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := add("a", noon.Add(2*time.Minute)); !errors.Is(err, ErrReplay) {
		t.Errorf("in its last second: %v", err)
	}
	if err := add("d", noon.Add(2*time.Minute)); !errors.Is(err, errFull) {
		t.Errorf("full: %v", err)
	}
	if err := add("d", noon.Add(2*time.Minute+time.Second)); err != nil {
		t.Errorf("after the first one's end: %v", err)
	}
	if err := add("b", noon.Add(time.Hour)); err != nil || len(r.seen) != 1 || len(r.until) != 1 {
		t.Errorf("after an hour: %v, %d remembered", err, len(r.seen))
	}
}
