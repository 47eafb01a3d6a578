package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// outOfOrder is what a client is told whose SASL messages come out of order.
const outOfOrder = "SASL requests came out of order"

// Causes of refused log-ins that the server itself finds.
var (
	errMechanism        = errors.New("SASL mechanism is not enabled")
	errNothingToRenew   = errors.New("re-authentication of a session that has no end")
	errTooSoon          = errors.New("re-authentication too soon after the last one")
	errMechanismChanged = errors.New("another SASL mechanism for re-authentication")
	errPrincipalChanged = errors.New("another principal for re-authentication")
	errSessionOver      = errors.New("the credential has expired")
	errOutdated         = errors.New("the principal was revoked after the ticket, token or certificate was made")
	errRevoked          = errors.New("the credential was changed or deleted during the log-in")
)

// login is the SASL state of one connection: a mechanism is chosen, messages go to and fro, and a session is established;
// then, for re-authentication (KIP-368), the same again.
type login struct {
	conn      *conn
	mechanism string
	// exchange is the log-in attempt under way, nil when there is none.
	exchange auth.Exchange
	// foretold is the user whose password the last message was to prove, known before it was looked at.
	foretold string
	// tokens says that the client chose by SaslHandshake version 0: raw tokens follow.
	tokens bool
	// over says that the connection closes after the answer.
	over bool
	// refused says that the failure is recorded, and that the client is about to be told.
	refused bool
	// silent says that it closes without one.
	silent bool
	// renewal is set while a re-authentication is under way, restarted is when the last one began by the server's clock, began when
	// the log-in under way did by the machine's.
	renewal          bool
	restarted, began time.Time
	// renewable says that the client speaks a version that is told when its session ends.
	renewable bool
}

var _ api.Login = (*login)(nil)

// takesTokens reports whether the next frame is a raw SASL token and not a request.
func (l *login) takesTokens() bool { return l.tokens && l.exchange != nil }

// underWay reports whether an exchange has begun and not ended.
func (l *login) underWay() bool { return l.exchange != nil }

// Mechanisms lists the enabled mechanisms of the listener.
func (l *login) Mechanisms() []string {
	names := make([]string, len(l.conn.listener.Mechanisms))
	for i, m := range l.conn.listener.Mechanisms {
		names[i] = m.Name()
	}
	return names
}

// Choose begins an exchange. The code is ILLEGAL_SASL_STATE while one is under way and for a re-authentication that Apache Kafka would
// not begin either, UNSUPPORTED_SASL_MECHANISM for a mechanism that is not enabled; the connection closes after both.
func (l *login) Choose(mechanism string, handshakeVersion int16) (code int16) {
	session := l.conn.session.Load()
	now := l.conn.server.cfg.Clock()
	l.renewal, l.began = session != nil, time.Now()
	if err := l.mayBegin(session, handshakeVersion, now); err != nil {
		l.refuse(err)
		return wire.IllegalSASLState
	}
	m := l.find(mechanism)
	if m == nil {
		l.refuse(fmt.Errorf("%w: %.64q", errMechanism, mechanism))
		return wire.UnsupportedSASLMechanism
	}
	l.mechanism, l.tokens = m.Name(), handshakeVersion == 0
	l.exchange = m.Start()
	if l.renewal {
		l.restarted = now
		if session.Method != l.mechanism {
			// As in Apache Kafka the handshake succeeds and the next message fails.
			l.exchange = doomed{errMechanismChanged}
		}
	}
	return wire.None
}

// mayBegin is nil when an exchange may begin. session is nil for the first one.
func (l *login) mayBegin(session *auth.Session, handshakeVersion int16, now time.Time) error {
	switch {
	case l.exchange != nil || session != nil && handshakeVersion == 0:
		return auth.ErrOutOfOrder
	case session == nil:
		return nil
	case session.Expires.IsZero():
		return errNothingToRenew
	case now.Sub(l.restarted) < limit.ReauthInterval:
		return errTooSoon
	}
	return nil
}

func (l *login) find(mechanism string) auth.Mechanism {
	for _, m := range l.conn.listener.Mechanisms {
		if m.Name() == mechanism {
			return m
		}
	}
	return nil
}

// Step takes the client's next SASL message. The code is ILLEGAL_SASL_STATE when no exchange is under way, and
// SASL_AUTHENTICATION_FAILED with auth.PublicFailure for whatever else goes wrong.
func (l *login) Step(ctx context.Context, message []byte) api.LoginStep {
	if l.exchange == nil {
		l.refuse(auth.ErrOutOfOrder)
		return api.LoginStep{Code: wire.IllegalSASLState, Message: outOfOrder}
	}
	if l.refused {
		l.exchange, l.over = nil, true
		return api.LoginStep{Code: wire.SASLAuthenticationFailed, Message: auth.PublicFailure}
	}
	ctx, cancel := context.WithTimeout(ctx, l.conn.server.cfg.Limits.Login)
	defer cancel()
	answer, outcome, late, err := l.check(ctx, message)
	switch {
	case err != nil && answer != nil && !errors.Is(err, auth.ErrUndecided):
		return l.challenge(ctx, answer, err, late)
	case err != nil:
		return l.fail(ctx, err, late)
	}
	if outcome == nil {
		return api.LoginStep{Answer: answer}
	}
	lifetime, err := l.succeed(outcome)
	if err != nil {
		return l.fail(ctx, err, l.conn.server.cfg.Limits.FailedLoginDelay)
	}
	l.exchange = nil
	return api.LoginStep{Answer: answer, Lifetime: lifetime}
}

// succeed establishes the session that an exchange proved, and returns how long it lasts; 0 means without end.
func (l *login) succeed(outcome *auth.Outcome) (lifetime time.Duration, err error) {
	if outcome.Principal.Name == "" {
		return 0, auth.ErrBadPrincipal
	}
	if before := l.conn.session.Load(); before != nil && before.Principal != outcome.Principal {
		return 0, fmt.Errorf("%w: %s after %s", errPrincipalChanged, outcome.Principal, before.Principal)
	}
	now := l.conn.server.cfg.Clock()
	expires := outcome.Expires
	if most := l.conn.listener.MaxSession[l.mechanism]; most > 0 {
		if end := now.Add(most); expires.IsZero() || end.Before(expires) {
			expires = end
		}
	}
	if !expires.IsZero() {
		if lifetime = expires.Sub(now); lifetime <= 0 {
			return 0, errSessionOver
		}
	}
	session := &auth.Session{
		Principal: outcome.Principal, Proven: outcome.Proven, Groups: outcome.Groups, Token: outcome.Token, Iterations: outcome.Iterations, Method: l.mechanism,
		Established: now, Issued: outcome.Issued, Expires: expires,
	}
	if err := l.conn.establish(session); err != nil {
		return 0, err
	}
	if outcome.Holds != nil && !outcome.Holds() {
		return 0, errRevoked
	}
	l.count(session)
	return lifetime, nil
}

// count tells the metrics of a session that has begun.
func (l *login) count(session *auth.Session) {
	metrics, listener := l.conn.server.cfg.Metrics, l.conn.listener.Name
	if !session.Expires.IsZero() && !l.renewable {
		metrics.notRenewable.WithLabelValues(listener).Inc()
	}
	if !l.renewal {
		metrics.logins.WithLabelValues(listener, session.Method).Inc()
		return
	}
	metrics.renewals.WithLabelValues(listener, session.Method).Inc()
	metrics.renewalTime.WithLabelValues(listener).Observe(time.Since(l.began).Seconds())
}

// fail answers a failed log-in, late, so that guessing is slow. Only this connection waits.
func (l *login) fail(ctx context.Context, cause error, late time.Duration) api.LoginStep {
	l.refuse(cause)
	wait(ctx, late)
	return api.LoginStep{Code: wire.SASLAuthenticationFailed, Message: auth.PublicFailure}
}

// challenge sends the client of a failed log-in what its mechanism owes it before the failure, as late as that. It is recorded now: many
// clients close the connection when they get it.
func (l *login) challenge(ctx context.Context, answer []byte, cause error, late time.Duration) api.LoginStep {
	l.record(cause)
	l.refused = true
	wait(ctx, late)
	return api.LoginStep{Answer: answer}
}

// refuse ends the log-in, and the connection after its answer.
func (l *login) refuse(cause error) {
	l.record(cause)
	l.exchange = nil
	l.over, l.silent = true, errors.Is(cause, auth.ErrUndecided)
}

func (l *login) record(cause error) {
	claimed := ""
	if l.exchange != nil {
		claimed = cmp.Or(l.exchange.Claimed(), l.foretold)
	}
	l.conn.loginFailed(LoginFailure{Method: l.mechanism, Claimed: claimed, Cause: cause, Renewal: l.renewal})
	l.conn.note(reasonLogin, cause)
}

// doomed is an exchange that is refused at its first message.
type doomed struct{ cause error }

func (d doomed) Step(context.Context, []byte) ([]byte, *auth.Outcome, error) {
	return nil, nil, d.cause
}
func (d doomed) Claimed() string { return "" }
