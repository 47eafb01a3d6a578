package broker

import (
	"context"
	"log/slog"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/server"
)

// recorder turns what the server tells into audit events.
type recorder struct {
	audit  *audit.Recorder
	clock  func() time.Time
	logger *slog.Logger
}

var _ server.Recorder = (*recorder)(nil)

func clientOf(conn api.Conn, session *auth.Session) audit.Client {
	c := audit.Client{Host: conn.Host.String(), Listener: conn.Listener, Connection: conn.ID}
	if session != nil {
		c.Principal, c.Protocol, c.Session = session.Principal, session.Protocol, session
	}
	return c
}

// LoggedIn records a session; an error refuses it.
func (r *recorder) LoggedIn(conn api.Conn, session *auth.Session, renewed bool) error {
	return r.audit.Record(context.Background(), audit.Authentication{
		Client: clientOf(conn, session), Succeeded: true, Method: session.Method, Renewed: renewed, Expires: session.Expires,
		Proven: session.Proven, Groups: session.Groups, Token: session.Token, Certificate: session.Certificate, Encryption: session.Encryption,
	})
}

// LoginFailed records a refused log-in.
func (r *recorder) LoginFailed(conn api.Conn, failure server.LoginFailure) {
	r.record(audit.Authentication{
		Client: clientOf(conn, nil), Method: failure.Method, Claimed: failure.Claimed, Cause: failure.Cause.Error(), Renewed: failure.Renewal,
	})
}

// LockedOut records the begin of a lock-out.
func (r *recorder) LockedOut(conn api.Conn, lockout server.Lockout) {
	r.record(audit.Lockout{Client: clientOf(conn, nil), User: lockout.User, Method: lockout.Method, Duration: lockout.Duration})
}

// Denied records something that was not allowed, and how much more of the same request.
func (r *recorder) Denied(call *api.Call, need authz.Need, decision authz.Decision, more int) {
	client := clientOf(call.Conn, call.Session)
	client.ClientID = call.ClientID
	r.record(audit.Denial{Client: client, API: call.API, Version: call.Version, Need: need, Decision: decision, More: more})
}

// Disconnected records the end of a session.
func (r *recorder) Disconnected(conn api.Conn, session *auth.Session, reason string) {
	r.record(audit.Logoff{
		Client: clientOf(conn, session), Method: session.Method, Established: session.Established, Ended: r.clock(), Reason: reason,
	})
}

// record is for what is over already: a failure is counted and logged by the recorder itself, and a session whose events can
// not be recorded is refused by LoggedIn.
func (r *recorder) record(e audit.Event) {
	if err := r.audit.Record(context.Background(), e); err != nil {
		r.logger.Debug("audit event not recorded", "error", err)
	}
}
