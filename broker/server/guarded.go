package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
)

// Causes of log-ins that are refused without a look at the password.
var (
	errHeldBack  = errors.New("not checked, after too many failed log-ins of the user or from the address")
	errBusy      = fmt.Errorf("%w: not checked, others of the user have been checked for too long", auth.ErrUndecided)
	errLockedOut = errors.New("not checked, a lock-out holds after failed log-ins")
)

// check takes the exchange's next step when the guard lets it. late is how late a failure is answered.
func (l *login) check(ctx context.Context, message []byte) (answer []byte, outcome *auth.Outcome, late time.Duration, err error) {
	l.foretold = l.whose(message)
	attempt := l.conn.server.cfg.Guard.Attempt(l.foretold, l.conn.id.Host, time.Now())
	if late, err = l.await(ctx, attempt); err != nil {
		return nil, nil, late, err
	}
	defer attempt.Undecided()
	answer, outcome, err = l.exchange.Step(ctx, message)
	switch {
	case outcome != nil:
		attempt.Succeeded()
	case err != nil && !errors.Is(err, auth.ErrUndecided):
		late = l.wrong(attempt)
	}
	return answer, outcome, late, err
}

// whose is the user whose password the message is to prove, "" where it proves none. Tickets and tokens can not be guessed, and a forged one
// names whom its maker likes: it must neither hold back nor lock out that user.
func (l *login) whose(message []byte) string {
	if f, can := l.exchange.(auth.Foreteller); can {
		return f.Foretell(message)
	}
	return ""
}

// await waits until the guard admits an attempt, or returns why it does not and how late that is answered.
func (l *login) await(ctx context.Context, attempt *guard.Attempt) (late time.Duration, refused error) {
	metrics, listener := l.conn.server.cfg.Metrics, l.conn.listener.Name
	for held := false; ; held = true {
		answer := attempt.Ask(time.Now())
		switch answer.Verdict {
		case guard.Admitted:
			return 0, nil
		case guard.RefusedLocked:
			metrics.unchecked.WithLabelValues(listener, "locked").Inc()
			return answer.Wait, errLockedOut
		case guard.RefusedForNow:
			metrics.unchecked.WithLabelValues(listener, "delay").Inc()
			return answer.Wait, errHeldBack
		case guard.Busy:
			metrics.unchecked.WithLabelValues(listener, "busy").Inc()
			return 0, errBusy
		case guard.Held:
		}
		if !held {
			metrics.delayed.WithLabelValues(listener).Inc()
		}
		if !waitOr(ctx, answer.Wait, answer.Turn) {
			return 0, errHeldBack
		}
	}
}

// wrong counts a failed attempt, and returns how late it is answered.
func (l *login) wrong(attempt *guard.Attempt) time.Duration {
	now := time.Now()
	failure := attempt.Failed(now)
	if !failure.LockedUntil.IsZero() {
		lockout := Lockout{User: l.foretold, Method: l.mechanism, Duration: failure.LockedUntil.Sub(now)}
		l.conn.server.cfg.Metrics.lockouts.WithLabelValues(l.conn.listener.Name).Inc()
		l.conn.log.Debug("locked out after failed log-ins", "user", lockout.User, "method", lockout.Method, "for", lockout.Duration)
		l.conn.server.cfg.Recorder.LockedOut(l.conn.id, lockout)
	}
	return failure.Late
}

// wait waits, and reports false when the context ends first.
func wait(ctx context.Context, d time.Duration) bool { return waitOr(ctx, d, nil) }

// waitOr waits, at most until sooner is closed, and reports false when the context ends first.
func waitOr(ctx context.Context, d time.Duration, sooner <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-sooner:
		return true
	case <-ctx.Done():
		return false
	}
}
