package server

import (
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
)

// Recorder is told what security has to remember. It is called by the goroutine of the connection, and is safe for
// concurrent use.
type Recorder interface {
	// LoggedIn tells of a session that is about to begin; renewed says that it follows one on the same connection
	// (KIP-368). An error refuses the session: what cannot be recorded does not happen.
	LoggedIn(conn api.Conn, session *auth.Session, renewed bool) error
	// LoginFailed tells of a refused log-in.
	LoginFailed(conn api.Conn, failure LoginFailure)
	// LockedOut tells that failed log-ins have begun a lock-out.
	LockedOut(conn api.Conn, lockout Lockout)
	// Denied tells of something that a request asked to do and may not. It stands for so many more denials of the same request,
	// which are not told one by one.
	Denied(call *api.Call, need authz.Need, decision authz.Decision, more int)
	// Used tells what a session has been allowed and has asked for since the last time: when the period is over, when there is no room
	// for more, and at the end of the session. clientID is what the client called itself last.
	Used(conn api.Conn, session *auth.Session, clientID string, uses []Use)
	// Disconnected tells of the end of a connection that had a session.
	Disconnected(conn api.Conn, session *auth.Session, reason string)
}

// LoginFailure says what was tried. None of it is told to the client.
type LoginFailure struct {
	// Method is the SASL mechanism, "mTLS", or "" where none was chosen.
	Method string
	// Claimed is the identity that the client claimed, not proven; "" where it came to none.
	Claimed string
	// Renewal says that the connection has a session, which was to be renewed.
	Renewal bool
	// Cause is why it failed.
	Cause error
}

// Lockout is the begin of a lock-out.
type Lockout struct {
	// User is who was claimed, and may not exist; Method is the SASL mechanism of the last failure.
	User, Method string
	// Duration is how long it lasts.
	Duration time.Duration
}
