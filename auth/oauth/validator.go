package oauth

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Identity is what a token says of its bearer.
type Identity struct {
	// Subject is the principal's name. It is set in an error too once it was read: the token claimed it.
	Subject string
	Groups  []string
	// Issued is when the token was made, the zero time where it does not say so.
	Issued time.Time
	// Expires is the token's end.
	Expires time.Time
}

// Validator decides on tokens. It is safe for concurrent use.
type Validator interface {
	// Validate returns what a valid token says. An error that wraps auth.ErrUndecided means that nothing could be decided;
	// one that wraps a *ScopeError that the token is right but does not reach; any other that the token is not valid.
	Validate(ctx context.Context, token string) (Identity, error)
}

// Config is what a token is held to.
type Config struct {
	// Keys are the issuer's.
	Keys *Keys
	// Issuer is sasl.oauthbearer.expected.issuer. Empty, which means any, needs AnyIssuer.
	Issuer    string
	AnyIssuer bool
	// Audiences is sasl.oauthbearer.expected.audience, of which a token names one. Empty, which means any, needs AnyAudience.
	Audiences   []string
	AnyAudience bool
	// SubjectClaim, ScopeClaim and GroupsClaim are the names of claims.
	SubjectClaim, ScopeClaim, GroupsClaim string
	// Skew is sasl.oauthbearer.clock.skew.seconds: how far the issuer's clock may be ahead.
	Skew time.Duration
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
}

// signedValidator is the Validator of signed tokens.
type signedValidator struct{ cfg Config }

// NewValidator returns the validator of signed tokens. It is refused where it would take tokens without looking at who made them or
// whom they are for (CVE-2026-33557, CVE-2026-110985).
func NewValidator(cfg Config) (Validator, error) {
	switch {
	case cfg.Keys == nil:
		return nil, fmt.Errorf("%w: no keys", ErrBadConfig)
	case cfg.Issuer == "" && !cfg.AnyIssuer:
		return nil, fmt.Errorf("%w: no expected issuer", ErrBadConfig)
	case len(cfg.Audiences) == 0 && !cfg.AnyAudience:
		return nil, fmt.Errorf("%w: no expected audience", ErrBadConfig)
	case cfg.SubjectClaim == "" || cfg.ScopeClaim == "" || cfg.GroupsClaim == "":
		return nil, fmt.Errorf("%w: a name of a claim is empty", ErrBadConfig)
	case cfg.Skew < 0:
		return nil, fmt.Errorf("%w: the clock skew is below 0", ErrBadConfig)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &signedValidator{cfg}, nil
}

// Validate verifies the signature before any claim counts.
func (v *signedValidator) Validate(ctx context.Context, text string) (Identity, error) {
	t, err := parseToken(text)
	if err != nil {
		return Identity{}, err
	}
	subject, errSubject := t.claims.subject(v.cfg.SubjectClaim)
	id := Identity{Subject: subject}
	algorithm, err := t.allowed()
	if err != nil {
		return id, err
	}
	public, err := v.cfg.Keys.find(ctx, t.key, algorithm)
	if err != nil {
		return id, err
	}
	if err := t.verify(algorithm, public); err != nil {
		return id, err
	}
	if errSubject != nil {
		return id, errSubject
	}
	if err := v.checkParties(t.claims); err != nil {
		return id, err
	}
	if id.Issued, id.Expires, err = v.checkTimes(t.claims); err != nil {
		return id, err
	}
	if err := t.claims.checkScopes(v.cfg.ScopeClaim); err != nil {
		return id, err
	}
	id.Groups, err = t.claims.groups(v.cfg.GroupsClaim)
	return id, err
}

// checkParties holds a token to the issuer and the audience.
func (v *signedValidator) checkParties(c claims) error {
	if v.cfg.Issuer != "" {
		issuer, err := c.text("iss")
		if err != nil {
			return err
		}
		if issuer != v.cfg.Issuer {
			return fmt.Errorf("%w: %.128q", errIssuer, issuer)
		}
	}
	if len(v.cfg.Audiences) == 0 {
		return nil
	}
	audiences, err := c.texts("aud")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(v.cfg.Audiences, a) }) {
		return fmt.Errorf("%w: %.128q", errAudience, audiences[:min(len(audiences), 4)])
	}
	return nil
}

// checkTimes holds a token to its times and returns when it was made and its end. The skew forgives an issuer whose clock is ahead. An end counts as it
// is, since the session ends with it too.
func (v *signedValidator) checkTimes(c claims) (issued, expires time.Time, err error) {
	now := v.cfg.Clock()
	expires, err = c.instant("exp")
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	issued, err = c.instant("iat")
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	begins := issued
	if c.has("nbf") {
		before, err := c.instant("nbf")
		if err != nil {
			return time.Time{}, time.Time{}, err
		}
		if before.After(begins) {
			begins = before
		}
	}
	switch {
	case !now.Before(expires):
		return time.Time{}, time.Time{}, fmt.Errorf("%w: at %s", errExpired, expires.UTC().Format(time.RFC3339))
	case begins.After(now.Add(v.cfg.Skew)):
		return time.Time{}, time.Time{}, fmt.Errorf("%w: it begins at %s", errNotYet, begins.UTC().Format(time.RFC3339))
	}
	return issued, expires, nil
}

var _ Validator = (*signedValidator)(nil)
