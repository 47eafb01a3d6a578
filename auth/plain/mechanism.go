package plain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/auth"
)

// ErrBadConfig is wrapped by the errors about a configuration that cannot work.
var ErrBadConfig = errors.New("bad PLAIN configuration")

// Verifier decides whether a password is a user's. It is safe for concurrent use.
type Verifier interface {
	// Verify returns nil if password is the user's. Its errors wrap auth.ErrUnknownUser or auth.ErrBadCredential, or tell
	// why nothing could be decided. It takes the same time for both of these.
	Verify(ctx context.Context, user, password string) error
}

// Directory is asked instead of a Verifier where it knows more of users than their passwords, or is not told when these change. It is
// safe for concurrent use.
type Directory interface {
	// Authenticate returns who a right password proves. Its errors are those of Verify.
	Authenticate(ctx context.Context, user, password string) (*auth.Outcome, error)
}

// Config is what a Mechanism needs: one of both.
type Config struct {
	Verifier  Verifier
	Directory Directory
}

// Mechanism is SASL PLAIN. It is safe for concurrent use.
type Mechanism struct{ directory Directory }

var _ auth.Mechanism = (*Mechanism)(nil)

// New returns the mechanism.
func New(cfg Config) (*Mechanism, error) {
	if (cfg.Verifier == nil) == (cfg.Directory == nil) {
		return nil, fmt.Errorf("%w: one of Verifier and Directory is needed", ErrBadConfig)
	}
	if cfg.Directory == nil {
		cfg.Directory = verified{cfg.Verifier}
	}
	return &Mechanism{directory: cfg.Directory}, nil
}

// verified is a directory of what a Verifier knows. It is told when a password changes, so that the log-in can be checked once more.
type verified struct{ Verifier }

func (v verified) Authenticate(ctx context.Context, user, password string) (*auth.Outcome, error) {
	if err := v.Verify(ctx, user, password); err != nil {
		return nil, err
	}
	holds := func() bool { return v.Verify(ctx, user, password) == nil }
	return &auth.Outcome{Principal: auth.User(user), Holds: holds}, nil
}

// Name returns PLAIN.
func (m *Mechanism) Name() string { return "PLAIN" }

// Start begins one log-in attempt.
func (m *Mechanism) Start() auth.Exchange { return &exchange{directory: m.directory} }

var _ auth.Foreteller = (*exchange)(nil)

type exchange struct {
	directory Directory
	user      string
	done      bool
}

// Claimed returns the user name of the message, "" before it.
func (e *exchange) Claimed() string { return e.user }

// Foretell returns the user of the message.
func (e *exchange) Foretell(message []byte) string {
	user, _, _ := parse(message)
	return user
}

// Step takes the one message of the mechanism. The answer to a right password is empty, as Apache Kafka's is.
func (e *exchange) Step(ctx context.Context, message []byte) ([]byte, *auth.Outcome, error) {
	if e.done {
		return nil, nil, auth.ErrOutOfOrder
	}
	e.done = true
	user, password, err := parse(message)
	if err != nil {
		return nil, nil, err
	}
	e.user = user
	outcome, err := e.directory.Authenticate(ctx, user, password)
	if err != nil {
		return nil, nil, err
	}
	return []byte{}, outcome, nil
}

// parse takes authzid NUL authcid NUL passwd apart (RFC 4616 section 2). As in Apache Kafka the authorization id is empty or
// the user's own name (CVE-2017-12610), and neither name nor password may be empty. Errors hold nothing of the message.
func parse(message []byte) (user, password string, err error) {
	if len(message) > auth.MaxPlainMessage {
		return "", "", fmt.Errorf("%w: PLAIN message of %d bytes, allowed are %d", auth.ErrMalformed, len(message), auth.MaxPlainMessage)
	}
	if !utf8.Valid(message) {
		return "", "", fmt.Errorf("%w: PLAIN message is not UTF-8", auth.ErrMalformed)
	}
	parts := bytes.Split(message, []byte{0})
	if len(parts) != 3 {
		return "", "", fmt.Errorf("%w: PLAIN message has %d parts, want 3", auth.ErrMalformed, len(parts))
	}
	authzid, authcid, passwd := parts[0], parts[1], parts[2]
	switch {
	case len(authcid) == 0 || len(authcid) > auth.MaxNameBytes:
		return "", "", fmt.Errorf("%w: user name of %d bytes, allowed are 1 to %d", auth.ErrMalformed, len(authcid), auth.MaxNameBytes)
	case len(passwd) == 0 || len(passwd) > auth.MaxPasswordBytes:
		return "", "", fmt.Errorf("%w: password of %d bytes, allowed are 1 to %d", auth.ErrMalformed, len(passwd), auth.MaxPasswordBytes)
	case len(authzid) > 0 && !bytes.Equal(authzid, authcid):
		return "", "", auth.ErrAuthzidNotAllowed
	}
	return string(authcid), string(passwd), nil
}
