package server

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
)

// saslListenerWith is a listener with TLS and SASL whose clients show a certificate.
func saslListenerWith(f fakeTLS) Listener {
	l, secured := saslListener(), sslListener(f)
	l.Protocol, l.Secure, l.PrincipalOf = SASLSSL, secured.Secure, nil
	return l
}

// TestCertificateGoesWithTheLogIn: SASL names the principal, and the certificate's facts go with the session.
func TestCertificateGoesWithTheLogIn(t *testing.T) {
	r := newRig(t, saslListenerWith(fakeTLS{chain: certificate("a machine")}), nil)
	r.dial().logIn("alice").call(kmsg.NewPtrMetadataRequest(), 12)
	s := r.record.sessions[0]
	if s.Principal != auth.User("alice") || s.Certificate == nil {
		t.Fatalf("session %+v", s)
	}
	if c := s.Certificate; c.Subject != "CN=a machine" || c.Serial != "beef" || len(c.Chain) != 1 || len(c.Fingerprint) != 64 {
		t.Errorf("certificate %+v", c)
	}
	r = newRig(t, saslListenerWith(fakeTLS{}), nil)
	r.dial().logIn("alice")
	if s := r.record.sessions[0]; s.Certificate != nil {
		t.Errorf("a certificate of a client without: %+v", s.Certificate)
	}
}

// TestCertificateThatIsRevokedDuringTheLogIn: whoever revokes it looks for sessions, and this one is not there yet.
func TestCertificateThatIsRevokedDuringTheLogIn(t *testing.T) {
	r := newRig(t, saslListenerWith(fakeTLS{chain: certificate("a machine"), revoked: errors.New("revoked")}), nil)
	c := r.dial()
	c.handshake("TEST", 1)
	if got := c.authenticate("alice:right"); got.ErrorCode != wire.SASLAuthenticationFailed || len(got.SASLAuthBytes) > 0 {
		t.Errorf("code %s, answer %q", wire.CodeName(got.ErrorCode), got.SASLAuthBytes)
	}
	c.closed()
	if f := r.record.lastFailure(t); !errors.Is(f.Cause, errRevoked) || f.Claimed != "alice" {
		t.Errorf("failure %+v", f)
	}
}

// TestSessionsEndWithTheCertificate: without a request, by certificate or by SASL beside one.
func TestSessionsEndWithTheCertificate(t *testing.T) {
	chain := certificate("alice")
	for name, listener := range map[string]Listener{
		"mTLS": sslListener(fakeTLS{chain: chain}),
		"SASL": saslListenerWith(fakeTLS{chain: chain}),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, listener, nil)
			chain[0].NotAfter = r.now().Add(time.Second)
			c := r.dial()
			if name == "SASL" {
				c.logIn("alice")
			}
			r.recorded(func(told *record) bool { return len(told.sessions) == 1 })
			if s := r.record.sessions[0]; (name == "mTLS") != s.Expires.Equal(chain[0].NotAfter) {
				t.Errorf("expires %s, certificate %s", s.Expires, chain[0].NotAfter)
			}
			c.closed()
			r.recorded(func(told *record) bool { return len(told.ended) == 1 })
			if got := r.record.ended[0]; got != string(reasonExpired) {
				t.Errorf("ended for %s", got)
			}
		})
	}
}

// TestFailedCertificatesAreDelayed: the connection stays open for as long as after any other failed log-in.
func TestFailedCertificatesAreDelayed(t *testing.T) {
	for name, f := range map[string]fakeTLS{
		"refused in the handshake": {result: refusedCertificate{}},
		"no principal":             {chain: certificate("nobody")},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sslListener(f), func(cfg *Config) { cfg.Limits.FailedLoginDelay = time.Hour })
			c := r.dial()
			r.recorded(func(told *record) bool { return len(told.failures) == 1 })
			if err := c.nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection did not stay open: %v", err)
			}
			if err := c.nc.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			r.server.cancel(errShutdown)
			c.closed()
		})
	}
}

// recorded waits for something to have been recorded.
func (r *rig) recorded(holds func(told *record) bool) {
	r.t.Helper()
	r.until(func() bool {
		r.record.mu.Lock()
		defer r.record.mu.Unlock()
		return holds(r.record)
	})
}
