package auth

import "errors"

// PublicFailure is the one message that every failed log-in is answered with, whatever the mechanism and the cause,
// so that nobody learns which users exist.
const PublicFailure = "Authentication failed: Invalid credentials"

// Causes of a failed log-in, for logs, metrics and audit events. None of them is told to the client.
var (
	ErrUnknownUser       = errors.New("unknown user")
	ErrUnknownToken      = errors.New("unknown or expired delegation token")
	ErrBadCredential     = errors.New("credential does not match")
	ErrMalformed         = errors.New("malformed authentication message")
	ErrOutOfOrder        = errors.New("authentication message out of order")
	ErrAuthzidNotAllowed = errors.New("authorization id differs from the authenticated identity")
)

// ErrUndecided is wrapped by what kept a log-in from being decided either way, such as too many others. The connection closes without
// an answer, which clients try again after; a failed authentication they take for final.
var ErrUndecided = errors.New("log-in is not decided")
