package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chronik-stream/chronik/auth"
)

// Mechanism is SASL OAUTHBEARER. It is safe for concurrent use.
type Mechanism struct {
	validator Validator
	keys      *Keys
}

var _ auth.Mechanism = (*Mechanism)(nil)

// New returns the mechanism for signed tokens. Its keys are read by Run.
func New(cfg Config) (*Mechanism, error) {
	v, err := NewValidator(cfg)
	if err != nil {
		return nil, err
	}
	return &Mechanism{validator: v, keys: cfg.Keys}, nil
}

// NewUnsecured returns the mechanism for tokens that nobody has signed; see NewUnsecuredValidator.
func NewUnsecured(cfg UnsecuredConfig) (*Mechanism, error) {
	v, err := NewUnsecuredValidator(cfg)
	if err != nil {
		return nil, err
	}
	return &Mechanism{validator: v}, nil
}

// Name returns OAUTHBEARER.
func (m *Mechanism) Name() string { return "OAUTHBEARER" }

// Start begins one log-in attempt.
func (m *Mechanism) Start() auth.Exchange { return &exchange{validator: m.validator} }

// Keys are the issuer's keys, nil where tokens are not signed.
func (m *Mechanism) Keys() *Keys { return m.keys }

// Run keeps the issuer's keys fresh until ctx is done.
func (m *Mechanism) Run(ctx context.Context) {
	if m.keys != nil {
		m.keys.Run(ctx)
	}
}

type exchange struct {
	validator Validator
	claimed   string
	done      bool
}

// Claimed returns the subject of the token, "" before it.
func (e *exchange) Claimed() string { return e.claimed }

// Step takes the client's first message, to which the answer is empty if the token is valid. If it is not, the answer is the error
// that RFC 7628 wants, beside the cause.
func (e *exchange) Step(ctx context.Context, message []byte) ([]byte, *auth.Outcome, error) {
	if e.done {
		return nil, nil, auth.ErrOutOfOrder
	}
	e.done = true
	f, err := parseFirst(message)
	if err != nil {
		return nil, nil, err
	}
	id, err := e.validator.Validate(ctx, f.token)
	e.claimed = id.Subject
	if errors.Is(err, auth.ErrUndecided) {
		return nil, nil, err
	}
	if err != nil {
		return refusal(err), nil, err
	}
	if f.authzid != "" && f.authzid != id.Subject {
		return nil, nil, auth.ErrAuthzidNotAllowed
	}
	return []byte{}, &auth.Outcome{Principal: auth.User(id.Subject), Groups: id.Groups, Issued: id.Issued, Expires: id.Expires}, nil
}

// refusal is the server's error (RFC 7628 section 3.2.2). It says no more than that the token is not valid; a scope that is missing is
// named, as Apache Kafka does, so that the client can ask for it.
func refusal(err error) []byte {
	says := struct {
		Status string `json:"status"`
		Scope  string `json:"scope,omitempty"`
	}{Status: "invalid_token"}
	var scope *ScopeError
	if errors.As(err, &scope) {
		says.Status, says.Scope = "insufficient_scope", fmt.Sprint(scope.Required)
	}
	text, err := json.Marshal(says)
	if err != nil {
		return []byte(`{"status":"invalid_token"}`)
	}
	return text
}
