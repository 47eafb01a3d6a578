package broker

import (
	"bytes"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/meta"
)

// sessions is what revocation needs of the server.
type sessions interface {
	CloseSessions(reason string, match func(*auth.Session) bool) int
}

// revocation ends sessions whose password is no longer their user's. Sessions on listeners that have PLAIN users of their own, and those
// by a delegation token, are not for it to end.
type revocation struct {
	of  sessions
	own map[string]bool
	// grace is how long the sessions of a changed credential go on; those of a deleted one do not.
	grace time.Duration
	// after calls a function later, unless the broker stops before.
	after func(time.Duration, func())
}

func newRevocation(of sessions, listeners []Listener, grace time.Duration, after func(time.Duration, func())) *revocation {
	r := &revocation{of: of, own: map[string]bool{}, grace: grace, after: after}
	for i := range listeners {
		r.own[listeners[i].Name] = listeners[i].PlainUsers != nil || listeners[i].LDAP != nil
	}
	return r
}

// Follow is a meta.Subscriber: who is to be ended at once is so before the administrator is answered.
func (r *revocation) Follow(old, next *meta.Image, d meta.Delta) {
	if len(d.ScramChanged) == 0 {
		return
	}
	outdated := map[*auth.Session]bool{}
	r.of.CloseSessions("the credential was changed or deleted", func(s *auth.Session) bool {
		if !slices.Contains(d.ScramChanged, s.Principal.Name) || s.Token != "" || s.Method == "PLAIN" && r.own[s.Listener] {
			return false
		}
		before, byPassword := credentialFor(old, s.Method, s.Principal.Name)
		after, _ := credentialFor(next, s.Method, s.Principal.Name)
		if !byPassword || sameCredential(before, after) {
			return false
		}
		if r.grace > 0 && before != nil && next.Scram(before.User, before.Mechanism) != nil {
			outdated[s] = true
			return false
		}
		return true
	})
	if len(outdated) == 0 {
		return
	}
	// Who authenticates again meanwhile has another session, which stays.
	r.after(r.grace, func() {
		r.of.CloseSessions("the credential was changed, and its grace is over", func(s *auth.Session) bool { return outdated[s] })
	})
}

// endRevoked returns a meta.Subscriber that ends all sessions of principals that are revoked, however they have logged in.
func endRevoked(of sessions) meta.Subscriber {
	return func(old, next *meta.Image, d meta.Delta) {
		gone := map[string]bool{}
		for _, key := range d.ConfigsChanged {
			if key.Type == meta.UserConfig && next.RevokedBefore(key.Name).After(old.RevokedBefore(key.Name)) {
				gone[key.Name] = true
			}
		}
		if len(gone) > 0 {
			of.CloseSessions("the principal was revoked", func(s *auth.Session) bool { return gone[s.Principal.String()] })
		}
	}
}

// credentialFor is the credential that a log-in by a method is checked against, nil where the user has none; byPassword is false for
// methods that need none.
func credentialFor(img *meta.Image, method, user string) (c *meta.ScramCredential, byPassword bool) {
	switch method {
	case "SCRAM-SHA-256":
		return img.Scram(user, meta.ScramSHA256), true
	case "SCRAM-SHA-512":
		return img.Scram(user, meta.ScramSHA512), true
	case "PLAIN":
		return plainCredential(img, user), true
	default:
		return nil, false
	}
}

// plainCredential is the one of the strongest hash.
func plainCredential(img *meta.Image, user string) *meta.ScramCredential {
	if c := img.Scram(user, meta.ScramSHA512); c != nil {
		return c
	}
	return img.Scram(user, meta.ScramSHA256)
}

func sameCredential(a, b *meta.ScramCredential) bool {
	return a != nil && b != nil && a.Mechanism == b.Mechanism && a.Iterations == b.Iterations &&
		bytes.Equal(a.Salt, b.Salt) && bytes.Equal(a.StoredKey, b.StoredKey)
}
