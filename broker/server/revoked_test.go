package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// fleeting is a mechanism whose credential is gone when the log-in ends.
type fleeting struct{ password }

func (f fleeting) Start() auth.Exchange { return fleetingExchange{f.password.Start()} }

type fleetingExchange struct{ auth.Exchange }

func (e fleetingExchange) Step(ctx context.Context, m []byte) ([]byte, *auth.Outcome, error) {
	answer, outcome, err := e.Exchange.Step(ctx, m)
	if outcome != nil {
		outcome.Holds = func() bool { return false }
	}
	return answer, outcome, err
}

// TestCredentialThatIsGoneWhenTheLogInEnds: whoever revokes it looks for sessions, and this one is not there yet.
func TestCredentialThatIsGoneWhenTheLogInEnds(t *testing.T) {
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{fleeting{password{name: "TEST"}}}
	r := newRig(t, l, nil)
	c := r.dial()
	c.handshake("TEST", 1)
	if got := c.authenticate("alice:right"); got.ErrorCode != wire.SASLAuthenticationFailed || len(got.SASLAuthBytes) > 0 {
		t.Errorf("code %s, answer %q", wire.CodeName(got.ErrorCode), got.SASLAuthBytes)
	}
	c.closed()
	if f := r.record.lastFailure(t); !errors.Is(f.Cause, errRevoked) {
		t.Errorf("cause %v", f.Cause)
	}
}

// TestWhoChangesHisOwnPasswordIsAnswered: and then his connection ends as all others of his.
func TestWhoChangesHisOwnPasswordIsAnswered(t *testing.T) {
	r := newAlteringRig(t, func(r *rig, c *api.Call) {
		r.server.CloseSessions("changed", func(s *auth.Session) bool { return s.Principal == c.Session.Principal })
	})
	other, self := r.dial().logIn("alice"), r.dial().logIn("alice")
	self.call(kmsg.NewPtrAlterUserSCRAMCredentialsRequest(), 0)
	self.closed()
	other.closed()
}

// TestAWaitingRequestOutlivesNoRevocation: whoever lets a change of credentials stand behind a produce that waits is ended all the same.
func TestAWaitingRequestOutlivesNoRevocation(t *testing.T) {
	asked := make(chan struct{})
	r := newAlteringRig(t, func(*rig, *api.Call) { close(asked) })
	ended := make(chan struct{})
	r.produce = func(_ context.Context, c *api.Call) api.Answer {
		return api.Answer{Later: func(ctx context.Context) kmsg.Response {
			<-ctx.Done()
			close(ended)
			return c.Request.ResponseKind()
		}}
	}
	c := r.dial().logIn("alice")
	c.ask(kmsg.NewPtrProduceRequest(), 9)
	c.ask(kmsg.NewPtrAlterUserSCRAMCredentialsRequest(), 0)
	<-asked
	if n := r.server.CloseSessions("revoked", func(*auth.Session) bool { return true }); n != 1 {
		t.Errorf("%d sessions were ended", n)
	}
	<-ended
	c.closed()
}

// newAlteringRig has a row for AlterUserScramCredentials too, which calls alter.
func newAlteringRig(t *testing.T, alter func(*rig, *api.Call)) *rig {
	t.Helper()
	var r *rig
	r = newRig(t, saslListener(), func(cfg *Config) {
		heartbeat, _ := cfg.Table.Row(12)
		row := *heartbeat
		row.Key, row.Name, row.Min, row.Max, row.Recheck = keyAlterSCRAM, "AlterUserScramCredentials", 0, 0, false
		row.Handle = func(_ context.Context, c *api.Call) api.Answer {
			alter(r, c)
			return api.Now(c.Request.ResponseKind())
		}
		rows := []api.Row{row}
		cfg.Table.Rows(func(row *api.Row) bool { rows = append(rows, *row); return true })
		table, err := api.NewTable(rows...)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Table = table
	})
	return r
}

// issued is a mechanism whose log-ins are by something that was made at a time.
type issued struct {
	password
	at time.Time
}

func (m issued) Start() auth.Exchange { return issuedExchange{m.password.Start(), m.at} }

type issuedExchange struct {
	auth.Exchange
	at time.Time
}

func (e issuedExchange) Step(ctx context.Context, m []byte) ([]byte, *auth.Outcome, error) {
	answer, outcome, err := e.Exchange.Step(ctx, m)
	if outcome != nil {
		outcome.Issued = e.at
	}
	return answer, outcome, err
}

// TestLogInByWhatIsOlderThanARevocation: it is refused, whether the principal is revoked before the log-in or during it; passwords have
// no age, and what is newer is taken.
func TestLogInByWhatIsOlderThanARevocation(t *testing.T) {
	revoked := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		issued  time.Time
		during  bool
		refused bool
	}{
		"older":                         {revoked.Add(-time.Second), false, true},
		"as old":                        {revoked, false, true},
		"older, revoked meanwhile":      {revoked.Add(-time.Second), true, true},
		"newer":                         {revoked.Add(time.Second), false, false},
		"a password":                    {time.Time{}, false, false},
		"a password, revoked meanwhile": {time.Time{}, true, false},
	} {
		l := saslListener()
		l.Mechanisms = []auth.Mechanism{issued{password{name: "TEST"}, c.issued}}
		asked := 0
		r := newRig(t, l, func(cfg *Config) {
			cfg.RevokedBefore = func(p auth.Principal) time.Time {
				if asked++; p != auth.User("alice") || c.during && asked == 1 {
					return time.Time{}
				}
				return revoked
			}
		})
		client := r.dial()
		client.handshake("TEST", 1)
		code := client.authenticate("alice:right").ErrorCode
		if refused := code == wire.SASLAuthenticationFailed; refused != c.refused || code != 0 && !refused {
			t.Errorf("%s: %s", name, wire.CodeName(code))
		}
		if recorded := len(r.record.sessions) == 1; recorded == (c.refused && !c.during) {
			t.Errorf("%s: recorded as logged in: %t", name, recorded)
		}
		if c.refused {
			if f := r.record.lastFailure(t); !errors.Is(f.Cause, errOutdated) {
				t.Errorf("%s: cause %v", name, f.Cause)
			}
		}
	}
}
