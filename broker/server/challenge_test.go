package server

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
)

// owing is a mechanism that owes the client an answer before it fails, as OAUTHBEARER does.
type owing struct{ password }

func (o owing) Start() auth.Exchange { return &owingExchange{Exchange: o.password.Start()} }

type owingExchange struct {
	auth.Exchange
	failed bool
}

var errStepAfterFailure = errors.New("the exchange has failed and is asked again")

func (e *owingExchange) Step(ctx context.Context, message []byte) ([]byte, *auth.Outcome, error) {
	if e.failed {
		return nil, nil, errStepAfterFailure
	}
	answer, outcome, err := e.Exchange.Step(ctx, message)
	if err != nil {
		e.failed, answer = true, []byte(`{"status":"invalid_token"}`)
	}
	return answer, outcome, err
}

func owingRig(t *testing.T) *rig {
	t.Helper()
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{owing{password{name: "TEST"}}}
	return newRig(t, l, nil)
}

func TestAChallengeComesBeforeTheFailure(t *testing.T) {
	r := owingRig(t)
	for _, last := range []string{"\x01", "", "alice:right"} {
		c := r.dial()
		c.handshake("TEST", 1)
		if got := c.authenticate("alice:wrong"); got.ErrorCode != wire.None || string(got.SASLAuthBytes) != `{"status":"invalid_token"}` {
			t.Fatalf("the client is told %+v", got)
		}
		if f := r.record.lastFailure(t); f.Claimed != "alice" || !errors.Is(f.Cause, auth.ErrBadCredential) {
			t.Errorf("recorded before the client has answered: %+v", f)
		}
		got := c.authenticate(last)
		if got.ErrorCode != wire.SASLAuthenticationFailed || got.ErrorMessage == nil || *got.ErrorMessage != auth.PublicFailure || len(got.SASLAuthBytes) != 0 {
			t.Errorf("after %q the client is told %+v", last, got)
		}
		c.closed()
	}
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	if len(r.record.failures) != 3 || len(r.record.sessions) != 0 {
		t.Errorf("three log-ins failed once each, and %d failures and %d sessions are recorded", len(r.record.failures), len(r.record.sessions))
	}
}

func TestGroupsReachTheSession(t *testing.T) {
	l := saslListener()
	l.Mechanisms = []auth.Mechanism{grouped{password{name: "TEST"}}}
	r := newRig(t, l, nil)
	c := r.dial()
	c.handshake("TEST", 1)
	c.authenticate("alice:right")
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	if len(r.record.sessions) != 1 || !slices.Equal(r.record.sessions[0].Groups, []string{"operators"}) {
		t.Errorf("sessions: %+v", r.record.sessions)
	}
}

// grouped is a mechanism that knows a group.
type grouped struct{ password }

func (g grouped) Start() auth.Exchange { return groupedExchange{g.password.Start()} }

type groupedExchange struct{ auth.Exchange }

func (e groupedExchange) Step(ctx context.Context, message []byte) ([]byte, *auth.Outcome, error) {
	answer, outcome, err := e.Exchange.Step(ctx, message)
	if outcome != nil {
		outcome.Groups = []string{"operators"}
	}
	return answer, outcome, err
}
