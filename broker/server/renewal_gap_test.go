package server

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/limit"
)

// secured is nothing but a sign that there is TLS.
type secured struct{ SecureConn }

// TestARenewalIsKeptApartFromAnswers: by what is left of the gap, on TLS, and not for a log-in or for what follows the handshake.
func TestARenewalIsKeptApartFromAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		since     time.Duration
		key       int16
		plaintext bool
		loggedIn  bool
		waits     time.Duration
	}{
		"at once":                {0, keySASLHandshake, false, true, limit.RenewalGap},
		"a while after":          {limit.RenewalGap / 5, keySASLHandshake, false, true, limit.RenewalGap - limit.RenewalGap/5},
		"long after":             {time.Minute, keySASLHandshake, false, true, 0},
		"its next message":       {0, keySASLAuthenticate, false, true, 0},
		"without TLS":            {0, keySASLHandshake, true, true, 0},
		"the log-in of a client": {0, keySASLHandshake, false, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			conn := &conn{ctx: t.Context(), flushed: time.Now().Add(-c.since)}
			if !c.plaintext {
				conn.tls = secured{}
			}
			if c.loggedIn {
				conn.session.Store(&auth.Session{})
			}
			began := time.Now()
			if !conn.keepApart(c.key) || time.Since(began) != c.waits {
				t.Errorf("%s: waited %v, want %v", name, time.Since(began), c.waits)
			}
		})
	}
}

func TestAConnectionEndsInTheGap(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	conn := &conn{ctx: ctx, flushed: time.Now().Add(time.Hour), tls: secured{}}
	conn.session.Store(&auth.Session{})
	if conn.keepApart(keySASLHandshake) {
		t.Error("goes on")
	}
}
