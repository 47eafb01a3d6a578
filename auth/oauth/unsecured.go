package oauth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// UnsecuredConfig is what an unsigned token is held to: the options unsecuredValidator... of Apache Kafka's OAuthBearerLoginModule.
type UnsecuredConfig struct {
	// PrincipalClaim and ScopeClaim are the names of claims; "" means sub and scope.
	PrincipalClaim, ScopeClaim string
	// RequiredScope are the scopes that every token must have.
	RequiredScope []string
	// GroupsClaim is the name of a claim, Skew how far the clocks may differ.
	GroupsClaim string
	Skew        time.Duration
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
}

// ScopeError says that a token lacks a scope.
type ScopeError struct{ Required []string }

// Error names the scopes.
func (e *ScopeError) Error() string {
	return fmt.Sprintf("the token lacks one of the scopes %q", e.Required)
}

type unsecuredValidator struct{ cfg UnsecuredConfig }

// NewUnsecuredValidator returns the validator of tokens that nobody has signed (alg none): whoever connects is whom he says. It is for
// development on loopback; who makes it sees to that.
func NewUnsecuredValidator(cfg UnsecuredConfig) (Validator, error) {
	if cfg.PrincipalClaim == "" {
		cfg.PrincipalClaim = "sub"
	}
	if cfg.ScopeClaim == "" {
		cfg.ScopeClaim = "scope"
	}
	if cfg.Skew < 0 || cfg.GroupsClaim == "" {
		return nil, fmt.Errorf("%w: the clock skew is below 0, or the groups claim has no name", ErrBadConfig)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &unsecuredValidator{cfg}, nil
}

// Validate holds a token to the rules of OAuthBearerUnsecuredValidatorCallbackHandler.
func (v *unsecuredValidator) Validate(_ context.Context, text string) (Identity, error) {
	t, err := parseToken(text)
	if err != nil {
		return Identity{}, err
	}
	subject, err := t.claims.subject(v.cfg.PrincipalClaim)
	id := Identity{Subject: subject}
	switch {
	case err != nil:
		return id, err
	case t.algorithm != "none":
		return id, fmt.Errorf("%w: %.16q, want none", errAlgorithm, t.algorithm)
	case len(t.signature) > 0:
		return id, fmt.Errorf("%w: an unsecured token has a signature", auth.ErrMalformed)
	}
	if id.Issued, id.Expires, err = v.checkTimes(t.claims); err != nil {
		return id, err
	}
	scopes, err := t.claims.texts(v.cfg.ScopeClaim)
	if err != nil {
		return id, err
	}
	for i := range scopes {
		scopes[i] = strings.TrimSpace(scopes[i])
	}
	for _, needed := range v.cfg.RequiredScope {
		if !slices.Contains(scopes, needed) {
			return id, &ScopeError{Required: v.cfg.RequiredScope}
		}
	}
	id.Groups, err = t.claims.groups(v.cfg.GroupsClaim)
	return id, err
}

func (v *unsecuredValidator) checkTimes(c claims) (issued, expires time.Time, err error) {
	now := v.cfg.Clock()
	expires, err = c.instant("exp")
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	if !now.Add(-v.cfg.Skew).Before(expires) {
		return time.Time{}, time.Time{}, fmt.Errorf("%w: at %s", errExpired, expires.UTC().Format(time.RFC3339))
	}
	if !c.has("iat") {
		return issued, expires, nil
	}
	issued, err = c.instant("iat")
	switch {
	case err != nil:
		return time.Time{}, time.Time{}, err
	case issued.After(now.Add(v.cfg.Skew)):
		return time.Time{}, time.Time{}, fmt.Errorf("%w: it was issued at %s", errNotYet, issued.UTC().Format(time.RFC3339))
	case !issued.Before(expires):
		return time.Time{}, time.Time{}, wrong("exp", "is not after iat")
	}
	return issued, expires, nil
}
