package audit

import (
	"fmt"
	"log/slog"
	"time"
)

// Lockout is the begin of a time in which a user, who may not exist, can not log in after failed log-ins (OCSF 3001, Lock).
type Lockout struct {
	// Client is where the last failure came from.
	Client Client
	// User is who was claimed, not proven.
	User string
	// Method is the SASL mechanism of the last failure.
	Method string
	// Duration is how long the lock-out lasts.
	Duration time.Duration
}

var _ Event = Lockout{}

func (l Lockout) document(run string) document {
	d := of(classAccountChange, activityLock, severityMedium)
	d.ActivityName = "Lock"
	d.StatusID, d.StatusDetail = statusSuccess, clip(fmt.Sprintf("for %s, after failed log-ins, the last by %s", l.Duration, l.Method))
	d.User = &userObject{Name: clip(l.User), TypeID: userClaimed}
	d.Actor = &actorObject{AppName: productName, Session: l.Client.session(run)}
	d.Source, d.Destination = source(l.Client.Host), destination(l.Client.Listener)
	return d
}

func (l Lockout) kind() string { return "lockout" }

func (l Lockout) provoked() bool { return true }

func (l Lockout) who() subject { return l.Client.subject() }

func (l Lockout) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("claimed", clip(l.User)), slog.String("method", clip(l.Method)), slog.String("host", clip(l.Client.Host)),
		slog.String("listener", l.Client.Listener), slog.Duration("duration", l.Duration),
	}
}
