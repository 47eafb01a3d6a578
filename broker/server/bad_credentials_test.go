package server

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/broker/wire"
)

// badCredential is something by which nobody gets in.
type badCredential struct {
	name, mechanism string
	// cause is part of what the auditor is told.
	cause string
	// message is the client's last; what comes before it is sent.
	message func(h *holder, c *client) []byte
	// silent is true where the connection closes without an answer, and at once, so that clients try again.
	silent bool
}

// flipped is a message with one bit changed, so far from its end.
func flipped(message []byte, fromEnd int) []byte {
	out := append([]byte{}, message...)
	out[len(out)-fromEnd] ^= 1
	return out
}

func truncated(message []byte) []byte { return message[:len(message)-8] }

func plainMessage(user, password string) []byte { return []byte("\x00" + user + "\x00" + password) }

func bearerMessage(token string) []byte { return []byte("n,,\x01auth=Bearer " + token + "\x01\x01") }

func badPasswords() []badCredential {
	type plainCase struct{ name, cause, message string }
	var out []badCredential
	for _, c := range []plainCase{
		{"another password", "does not match", string(plainMessage("alice", "another"))},
		{"an unknown user", "unknown user", string(plainMessage("bob", rightPassword))},
		{"truncated", "does not match", string(truncated(plainMessage("alice", rightPassword)))},
		{"truncated before the password", "malformed", "\x00alice"},
		{"a bit flipped", "does not match", string(flipped(plainMessage("alice", rightPassword), 3))},
		{"for another", "authorization id", "bob" + string(plainMessage("alice", rightPassword))},
	} {
		out = append(out, badCredential{name: c.name, mechanism: "PLAIN", cause: c.cause, message: func(*holder, *client) []byte { return []byte(c.message) }})
	}
	return append(out, badCredential{name: "deleted", mechanism: "PLAIN", cause: "unknown user", message: func(h *holder, _ *client) []byte {
		h.gone = true
		return plainMessage("alice", rightPassword)
	}})
}

// badProofs are SCRAM's last messages, of users and of delegation tokens.
func badProofs() []badCredential {
	var out []badCredential
	for _, who := range []struct{ name, user, extension string }{{"", "alice", ""}, {"token: ", tokenID, ",tokenauth=true"}} {
		right := func(h *holder, c *client) []byte { return h.scramFinal(c, who.user, rightPassword, who.extension) }
		add := func(name, cause string, message func(h *holder, c *client) []byte) {
			out = append(out, badCredential{name: who.name + name, mechanism: "SCRAM-SHA-512", cause: cause, message: message})
		}
		add("another password", "does not match", func(h *holder, c *client) []byte { return h.scramFinal(c, who.user, "another", who.extension) })
		add("truncated", "does not match", func(h *holder, c *client) []byte { return truncated(right(h, c)) })
		add("a bit flipped", "does not match", func(h *holder, c *client) []byte { return flipped(right(h, c), 40) })
		add("any proof", "does not match", func(h *holder, c *client) []byte {
			nonce, _, _ := strings.Cut(string(right(h, c)), ",p=")
			return []byte(nonce + ",p=" + strings.Repeat("A", 86) + "==")
		})
		add("replayed", "does not match", func(h *holder, c *client) []byte {
			before := h.scramFinal(c.another("SCRAM-SHA-512"), who.user, rightPassword, who.extension)
			right(h, c)
			return before
		})
		add("deleted during the log-in", "changed or deleted", func(h *holder, c *client) []byte {
			last := right(h, c)
			h.gone = true
			return last
		})
	}
	right := func(h *holder, c *client) []byte { return h.scramFinal(c, tokenID, rightPassword, ",tokenauth=true") }
	return append(out,
		badCredential{name: "token: expired", mechanism: "SCRAM-SHA-512", cause: "has expired", message: func(h *holder, c *client) []byte {
			h.over = true
			return right(h, c)
		}},
		badCredential{name: "token: unknown", mechanism: "SCRAM-SHA-512", cause: "unknown or expired delegation token", message: func(h *holder, c *client) []byte {
			return h.scramFinal(c, "token-2", rightPassword, ",tokenauth=true")
		}},
		badCredential{name: "token: as a user", mechanism: "SCRAM-SHA-512", cause: "unknown user", message: func(h *holder, c *client) []byte {
			return h.scramFinal(c, tokenID, rightPassword, "")
		}})
}

func badBearers() []badCredential {
	var out []badCredential
	add := func(name, cause string, token func(h *holder) string) {
		out = append(out, badCredential{name: name, mechanism: "OAUTHBEARER", cause: cause, message: func(h *holder, _ *client) []byte { return bearerMessage(token(h)) }})
	}
	claim := func(name, cause, key string, value func(h *holder) any) {
		add(name, cause, func(h *holder) string { return h.jwt(h.issuer, map[string]any{key: value(h)}) })
	}
	claim("expired", "expired", "exp", func(h *holder) any { return h.now.Add(-time.Second).Unix() })
	claim("not valid yet", "not valid", "nbf", func(h *holder) any { return h.now.Add(time.Minute).Unix() })
	claim("from the future", "not valid yet", "iat", func(h *holder) any { return h.now.Add(time.Minute).Unix() })
	claim("another issuer", "issuer", "iss", func(*holder) any { return "https://another.example" })
	claim("for another service", "audience", "aud", func(*holder) any { return "billing" })
	add("of an imposter", "signature", func(h *holder) string {
		_, imposter, err := ed25519.GenerateKey(nil)
		h.must(err)
		return h.jwt(imposter, nil)
	})
	add("truncated", "token", func(h *holder) string { return string(truncated([]byte(h.jwt(h.issuer, nil)))) })
	signature := func(change func(raw []byte) []byte) func(h *holder) string {
		return func(h *holder) string {
			token := h.jwt(h.issuer, nil)
			at := strings.LastIndex(token, ".") + 1
			raw, err := base64.RawURLEncoding.DecodeString(token[at:])
			h.must(err)
			return token[:at] + base64.RawURLEncoding.EncodeToString(change(raw))
		}
	}
	add("a bit flipped", "signature", signature(func(raw []byte) []byte { return flipped(raw, 20) }))
	add("without a signature", "signature", signature(func([]byte) []byte { return nil }))
	add("revoked", "revoked", func(h *holder) string {
		h.revoked = h.now
		return h.jwt(h.issuer, nil)
	})
	return out
}

func badTickets() []badCredential {
	var out []badCredential
	add := func(name, cause string, silent bool, message func(h *holder, c *client) []byte) {
		out = append(out, badCredential{name: name, mechanism: "GSSAPI", cause: cause, message: message, silent: silent})
	}
	valid := func(h *holder) ([]byte, types.EncryptionKey) {
		return h.ticket(h.kdc, "localhost", h.now.Add(-time.Hour), h.now.Add(time.Hour))
	}
	first := func(h *holder) []byte {
		token, _ := valid(h)
		return token
	}
	add("expired", "has expired", false, func(h *holder, _ *client) []byte {
		token, _ := h.ticket(h.kdc, "localhost", h.now.Add(-2*time.Hour), h.now.Add(-time.Hour))
		return token
	})
	add("not valid yet", "not valid yet", true, func(h *holder, _ *client) []byte {
		token, _ := h.ticket(h.kdc, "localhost", h.now.Add(time.Hour), h.now.Add(2*time.Hour))
		return token
	})
	add("for another host", "no key", false, func(h *holder, _ *client) []byte {
		token, _ := h.ticket(h.kdc, "elsewhere", h.now.Add(-time.Hour), h.now.Add(time.Hour))
		return token
	})
	add("of another KDC", "does not match", false, func(h *holder, _ *client) []byte {
		token, _ := h.ticket(h.imposter, "localhost", h.now.Add(-time.Hour), h.now.Add(time.Hour))
		return token
	})
	add("truncated", "malformed", false, func(h *holder, _ *client) []byte { return truncated(first(h)) })
	add("a bit of the authenticator flipped", "does not match", false, func(h *holder, _ *client) []byte { return flipped(first(h), 20) })
	add("replayed", "used before", true, func(h *holder, c *client) []byte {
		token := first(h)
		c.another("GSSAPI").authenticate(string(token))
		return token
	})
	add("a bit of the choice flipped", "does not match", false, func(h *holder, c *client) []byte {
		token, key := valid(h)
		return flipped(h.choice(c.authenticate(string(token)).SASLAuthBytes, key), 1)
	})
	add("revoked", "revoked", false, func(h *holder, c *client) []byte {
		h.revoked = h.now
		token, key := valid(h)
		return h.choice(c.authenticate(string(token)).SASLAuthBytes, key)
	})
	return out
}

// another is a second connection to the same server that has chosen a mechanism.
func (c *client) another(mechanism string) *client {
	c.t.Helper()
	nc, err := net.Dial("tcp", c.nc.RemoteAddr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = nc.Close() })
	other := &client{t: c.t, nc: nc, in: bufio.NewReader(nc)}
	other.handshake(mechanism, 1)
	return other
}

// TestBadCredentialsOfEveryKind shows a server each credential that is wrong, by each mechanism: it is refused, whoever sent it is told
// nothing more, and the failure is counted and recorded once. The right ones get in, which shows that nothing else was wrong.
// Certificates are shown to a broker in TestCertificates of test/interop, and their refusal is delayed in
// TestFailedCertificatesAreDelayed.
func TestBadCredentialsOfEveryKind(t *testing.T) {
	for _, bad := range everyBadCredential() {
		t.Run(bad.mechanism+"/"+bad.name, func(t *testing.T) {
			r, h := credentialRig(t, lenient(t), time.Millisecond)
			c := r.dial()
			c.handshake(bad.mechanism, 1)
			message := bad.message(h, c)
			if bad.silent {
				q := kmsg.NewPtrSASLAuthenticateRequest()
				q.SASLAuthBytes = message
				c.ask(q, 2)
			} else {
				c.refused(message)
			}
			c.closed()
			r.refusedFor(bad)
		})
	}
}

// TestBadCredentialsAreAnsweredLate: the failure is recorded, and the client is not told yet.
func TestBadCredentialsAreAnsweredLate(t *testing.T) {
	for _, bad := range everyBadCredential() {
		if bad.silent {
			continue // closed without an answer: clients try again
		}
		t.Run(bad.mechanism+"/"+bad.name, func(t *testing.T) {
			strict := newGuard(t, guard.Config{First: time.Hour, Most: time.Hour, Lockout: 2 * time.Hour, Scope: guard.UserAddress})
			r, h := credentialRig(t, strict, time.Hour)
			c := r.dial()
			c.handshake(bad.mechanism, 1)
			q := kmsg.NewPtrSASLAuthenticateRequest()
			q.SASLAuthBytes = bad.message(h, c)
			c.ask(q, 2)
			r.recorded(func(told *record) bool { return len(told.failures) == 1 })
			if err := c.nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the client is told at once: %v", err)
			}
			r.server.cancel(errShutdown)
		})
	}
}

func everyBadCredential() []badCredential {
	var out []badCredential
	for _, some := range [][]badCredential{badPasswords(), badProofs(), badBearers(), badTickets()} {
		out = append(out, some...)
	}
	return out
}

// TestTheRightCredentialsGetIn: what is changed in the bad ones is right here.
func TestTheRightCredentialsGetIn(t *testing.T) {
	for mechanism, message := range map[string]func(h *holder, c *client) []byte{
		"PLAIN":         func(*holder, *client) []byte { return plainMessage("alice", rightPassword) },
		"SCRAM-SHA-512": func(h *holder, c *client) []byte { return h.scramFinal(c, "alice", rightPassword, "") },
		"OAUTHBEARER":   func(h *holder, _ *client) []byte { return bearerMessage(h.jwt(h.issuer, nil)) },
		"GSSAPI": func(h *holder, c *client) []byte {
			token, key := h.ticket(h.kdc, "localhost", h.now.Add(-time.Hour), h.now.Add(time.Hour))
			return h.choice(c.authenticate(string(token)).SASLAuthBytes, key)
		},
	} {
		r, h := credentialRig(t, lenient(t), time.Millisecond)
		c := r.dial()
		c.handshake(mechanism, 1)
		if got := c.authenticate(string(message(h, c))); got.ErrorCode != 0 {
			t.Errorf("%s: %s, %v", mechanism, wire.CodeName(got.ErrorCode), r.record.failures)
			continue
		}
		c.call(kmsg.NewPtrMetadataRequest(), 12)
		if s := r.record.sessions[0]; s.Principal != auth.User("alice") || s.Method != mechanism {
			t.Errorf("%s: session of %s by %s", mechanism, s.Principal, s.Method)
		}
	}
	r, h := credentialRig(t, lenient(t), time.Millisecond)
	c := r.dial()
	c.handshake("SCRAM-SHA-512", 1)
	if got := c.authenticate(string(h.scramFinal(c, tokenID, rightPassword, ",tokenauth=true"))); got.ErrorCode != 0 || got.SessionLifetimeMillis == 0 {
		t.Errorf("token: %+v", got)
	}
}

// credentialRig is a server with every mechanism, by the clock of who has the right credentials.
func credentialRig(t *testing.T, g *guard.Guard, late time.Duration) (*rig, *holder) {
	t.Helper()
	h := newHolder(t)
	r := newRig(t, h.listener(), func(cfg *Config) {
		cfg.Clock, cfg.Guard, cfg.Limits.FailedLoginDelay = h.clock, g, late
		cfg.RevokedBefore = func(auth.Principal) time.Time { return h.revoked }
	})
	return r, h
}

// refused sends a log-in's last message, which has to fail as every failure does. A client of OAUTHBEARER is first told that its token is
// not valid, by the protocol.
func (c *client) refused(message []byte) {
	c.t.Helper()
	got := c.authenticate(string(message))
	if got.ErrorCode == 0 && string(got.SASLAuthBytes) == `{"status":"invalid_token"}` {
		got = c.authenticate("\x01")
	}
	if got.ErrorCode != wire.SASLAuthenticationFailed || got.ErrorMessage == nil || *got.ErrorMessage != auth.PublicFailure || len(got.SASLAuthBytes) > 0 {
		c.t.Errorf("told %+v", got)
	}
}

// refusedFor holds the record and the counter to one failure of the mechanism with its cause.
func (r *rig) refusedFor(bad badCredential) {
	r.t.Helper()
	r.record.mu.Lock()
	failures := r.record.failures
	r.record.mu.Unlock()
	if len(failures) != 1 || failures[0].Method != bad.mechanism || !strings.Contains(failures[0].Cause.Error(), bad.cause) {
		r.t.Errorf("recorded %+v, want one of %s for %q", failures, bad.mechanism, bad.cause)
	}
	for _, f := range failures {
		if strings.Contains(f.Cause.Error(), rightPassword) {
			r.t.Errorf("the cause holds a password: %v", f.Cause)
		}
	}
	if n := count(r.t, r.server.cfg.Metrics.failedLogins); n != 1 {
		r.t.Errorf("%v failed log-ins are counted", n)
	}
}
