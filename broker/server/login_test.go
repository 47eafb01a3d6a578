package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestLogIn(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	c := r.dial()
	c.call(kmsg.NewPtrApiVersionsRequest(), 3)
	c.handshake("TEST", 1)
	if got := c.authenticate(""); string(got.SASLAuthBytes) != "who" || got.ErrorCode != 0 {
		t.Errorf("first answer: %+v", got)
	}
	if got := c.authenticate("alice:right"); string(got.SASLAuthBytes) != "welcome" || got.ErrorCode != 0 || got.SessionLifetimeMillis != 0 {
		t.Errorf("last answer: %+v", got)
	}
	c.call(kmsg.NewPtrMetadataRequest(), 12)
	s := r.record.sessions[0]
	if s.Principal != auth.User("alice") || s.Method != "TEST" || s.Listener != "TEST" || s.Protocol != SASLPlaintext || s.Host.String() != "127.0.0.1" || s.Established != r.now() {
		t.Errorf("recorded session: %+v", s)
	}
}

func TestRefusedLogIns(t *testing.T) {
	for name, c := range map[string]struct {
		try   func(c *client) int16
		code  int16
		cause error
	}{
		"wrong password": {func(c *client) int16 { c.handshake("TEST", 1); return c.authenticate("alice:wrong").ErrorCode }, wire.SASLAuthenticationFailed, auth.ErrBadCredential},
		"no handshake":   {func(c *client) int16 { return c.authenticate("alice:right").ErrorCode }, wire.IllegalSASLState, auth.ErrOutOfOrder},
		"two handshakes": {func(c *client) int16 { c.handshake("TEST", 1); return c.handshake("TEST", 1).ErrorCode }, wire.IllegalSASLState, auth.ErrOutOfOrder},
		"mechanism":      {func(c *client) int16 { return c.handshake("NONE", 1).ErrorCode }, wire.UnsupportedSASLMechanism, errMechanism},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, saslListener(), nil)
			client := r.dial()
			if code := c.try(client); code != c.code {
				t.Errorf("code %s, want %s", wire.CodeName(code), wire.CodeName(c.code))
			}
			client.closed()
			if f := r.record.lastFailure(t); !errors.Is(f.Cause, c.cause) {
				t.Errorf("recorded cause %v, want %v", f.Cause, c.cause)
			}
			if len(r.record.sessions) != 0 {
				t.Error("a session was established")
			}
		})
	}
}

func TestFailureTellsNothing(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	c := r.dial()
	c.handshake("TEST", 1)
	got := c.authenticate("alice:wrong")
	if got.ErrorMessage == nil || *got.ErrorMessage != auth.PublicFailure || len(got.SASLAuthBytes) != 0 {
		t.Errorf("the client is told %+v", got)
	}
	if f := r.record.lastFailure(t); f.Claimed != "alice" || f.Method != "TEST" {
		t.Errorf("recorded %+v", f)
	}
}

func TestUnknownMechanismLists(t *testing.T) {
	c := newRig(t, saslListener(), nil).dial()
	if got := c.handshake("NONE", 1).SupportedMechanisms; !slices.Equal(got, []string{"TEST", "OTHER"}) {
		t.Errorf("told %v", got)
	}
}

func TestUnrecordedLogInIsRefused(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	r.record.refuse = errors.New("audit is full")
	c := r.dial()
	c.handshake("TEST", 1)
	if got := c.authenticate("alice:right"); got.ErrorCode != wire.SASLAuthenticationFailed {
		t.Errorf("got %+v", got)
	}
	c.closed()
}

// overrun is a mechanism that can decide nothing now.
type overrun struct{ password }

func (o overrun) Start() auth.Exchange { return overrunExchange{o.password.Start()} }

type overrunExchange struct{ auth.Exchange }

func (overrunExchange) Step(context.Context, []byte) ([]byte, *auth.Outcome, error) {
	return nil, nil, fmt.Errorf("%w: busy", auth.ErrUndecided)
}

// TestLogInThatIsNotDecided: a flood of log-ins by others is no wrong password, after which clients give up for good.
func TestLogInThatIsNotDecided(t *testing.T) {
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{overrun{password{name: "TEST"}}}
	r := newRig(t, l, nil)
	c := r.dial()
	c.handshake("TEST", 1)
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.SASLAuthBytes = []byte("alice:right")
	c.ask(q, 2)
	c.closed()
	if f := r.record.lastFailure(t); !errors.Is(f.Cause, auth.ErrUndecided) || len(r.record.sessions) != 0 {
		t.Errorf("cause %v, %d sessions", f.Cause, len(r.record.sessions))
	}
}

func TestRawTokensAfterHandshakeZero(t *testing.T) {
	c := newRig(t, saslListener(), nil).dial()
	c.handshake("TEST", 0)
	token := func(s string) string {
		c.write(append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...))
		b, err := c.frame()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := token(""); got != "who" {
		t.Errorf("first token answered %q", got)
	}
	if got := token("alice:right"); got != "welcome" {
		t.Errorf("last token answered %q", got)
	}
	c.call(kmsg.NewPtrMetadataRequest(), 12)
}

// unanswered is a mechanism whose last message has no answer, as GSSAPI.
type unanswered struct{ password }

func (m unanswered) Start() auth.Exchange { return unansweredExchange{m.password.Start()} }

type unansweredExchange struct{ auth.Exchange }

func (e unansweredExchange) Step(ctx context.Context, message []byte) ([]byte, *auth.Outcome, error) {
	answer, outcome, err := e.Exchange.Step(ctx, message)
	if outcome != nil {
		answer = nil
	}
	return answer, outcome, err
}

// TestNoAnswerToTheLastToken: what comes next on the connection is the answer to the first request.
func TestNoAnswerToTheLastToken(t *testing.T) {
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{unanswered{password{name: "TEST"}}}
	c := newRig(t, l, nil).dial()
	c.handshake("TEST", 0)
	c.write([]byte("\x00\x00\x00\x0balice:right"))
	c.call(kmsg.NewPtrMetadataRequest(), 12)
}

func TestRawTokenFailureCloses(t *testing.T) {
	c := newRig(t, saslListener(), nil).dial()
	c.handshake("TEST", 0)
	c.write([]byte("\x00\x00\x00\x09eve:wrong"))
	c.closed()
}

// expiringListener is saslListener whose sessions last a minute.
func expiringListener() Listener {
	l := saslListener()
	l.MaxSession = map[string]time.Duration{"TEST": time.Minute, "OTHER": time.Minute}
	return l
}

func TestReauthentication(t *testing.T) {
	r := newRig(t, expiringListener(), nil)
	c := r.dial()
	c.handshake("TEST", 1)
	if got := c.authenticate("alice:right").SessionLifetimeMillis; got != 60_000 {
		t.Errorf("lifetime %d", got)
	}
	r.advance(time.Minute)
	c.handshake("TEST", 1)
	c.authenticate("alice:right")
	c.call(kmsg.NewPtrMetadataRequest(), 12)
	r.advance(59 * time.Second)
	c.call(kmsg.NewPtrMetadataRequest(), 12)
	r.advance(time.Second)
	c.ask(kmsg.NewPtrMetadataRequest(), 12)
	c.closed()
	m := r.server.cfg.Metrics
	if logins, renewals, expired := count(t, m.logins), count(t, m.renewals), count(t, m.expired); logins != 1 || renewals != 1 || expired != 1 {
		t.Errorf("%v log-ins, %v renewals and %v expired connections are counted", logins, renewals, expired)
	}
}

func TestSessionsLastAsLongAsTheirMechanismSays(t *testing.T) {
	l := saslListener()
	l.MaxSession = map[string]time.Duration{"OTHER": time.Hour}
	r := newRig(t, l, nil)
	for mechanism, want := range map[string]int64{"TEST": 0, "OTHER": 3_600_000} {
		c := r.dial()
		c.handshake(mechanism, 1)
		if got := c.authenticate("alice:right").SessionLifetimeMillis; got != want {
			t.Errorf("%s: lifetime %d", mechanism, got)
		}
	}
}

// TestClientsThatAreNotToldOfTheEnd: by version 0, and by raw tokens, there is no lifetime in the answer.
func TestClientsThatAreNotToldOfTheEnd(t *testing.T) {
	r := newRig(t, expiringListener(), nil)
	old := r.dial()
	old.handshake("TEST", 1)
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.SASLAuthBytes = []byte("alice:right")
	if code := old.call(q, 0).(*kmsg.SASLAuthenticateResponse).ErrorCode; code != wire.None {
		t.Fatalf("version 0: %s", wire.CodeName(code))
	}
	raw := r.dial()
	raw.handshake("TEST", 0)
	raw.write([]byte("\x00\x00\x00\x0balice:right"))
	if _, err := raw.frame(); err != nil {
		t.Fatal(err)
	}
	r.dial().logIn("alice")
	if got := count(t, r.server.cfg.Metrics.notRenewable); got != 2 {
		t.Errorf("%v sessions are counted that can not be renewed", got)
	}
	r.advance(time.Minute)
	for _, c := range []*client{old, raw} {
		c.ask(kmsg.NewPtrMetadataRequest(), 12)
		c.closed()
	}
}

// TestSessionWithoutAnEndIsNotRenewed: as in Apache Kafka.
func TestSessionWithoutAnEndIsNotRenewed(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	c := r.dial().logIn("alice")
	if got := c.handshake("TEST", 1).ErrorCode; got != wire.IllegalSASLState {
		t.Errorf("code %s", wire.CodeName(got))
	}
	c.closed()
	if f := r.record.lastFailure(t); !errors.Is(f.Cause, errNothingToRenew) || !f.Renewal {
		t.Errorf("recorded %+v", f)
	}
}

func TestCredentialThatExpiresEndsTheSession(t *testing.T) {
	l := saslListener()
	end := time.Date(2030, 1, 1, 0, 0, 30, 0, time.UTC)
	l.Mechanisms = []auth.Mechanism{password{name: "TEST", expires: end}}
	l.MaxSession = map[string]time.Duration{"TEST": time.Hour}
	r := newRig(t, l, nil)
	c := r.dial().logIn("alice")
	if got := r.record.sessions[0].Expires; got != end {
		t.Errorf("session ends %v", got)
	}
	r.advance(30 * time.Second)
	c.ask(kmsg.NewPtrMetadataRequest(), 12)
	c.closed()
	late := r.dial()
	late.handshake("TEST", 1)
	if got := late.authenticate("alice:right").ErrorCode; got != wire.SASLAuthenticationFailed {
		t.Errorf("an expired credential: %s", wire.CodeName(got))
	}
}

func TestReauthenticationKeepsWhoAndHow(t *testing.T) {
	for name, c := range map[string]struct {
		mechanism, message string
		cause              error
	}{
		"other principal": {"TEST", "bob:right", errPrincipalChanged},
		"other mechanism": {"OTHER", "alice:right", errMechanismChanged},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, expiringListener(), nil)
			client := r.dial().logIn("alice")
			client.handshake(c.mechanism, 1)
			if got := client.authenticate(c.message).ErrorCode; got != wire.SASLAuthenticationFailed {
				t.Errorf("code %s", wire.CodeName(got))
			}
			client.closed()
			if f := r.record.lastFailure(t); !errors.Is(f.Cause, c.cause) || !f.Renewal {
				t.Errorf("recorded %+v", f)
			}
			if m := r.server.cfg.Metrics; count(t, m.failedRenewals) != 1 || count(t, m.failedLogins) != 0 {
				t.Error("it is counted as a log-in")
			}
		})
	}
}

func TestReauthenticationTooSoon(t *testing.T) {
	r := newRig(t, expiringListener(), nil)
	c := r.dial().logIn("alice")
	c.logIn("alice")
	if got := c.handshake("TEST", 1).ErrorCode; got != wire.IllegalSASLState {
		t.Errorf("code %s", wire.CodeName(got))
	}
	c.closed()
}
