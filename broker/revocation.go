package broker

import (
	"bytes"
	"slices"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/meta"
)

// sessions is what revocation needs of the server.
type sessions interface {
	CloseSessions(reason string, match func(*auth.Session) bool) int
}

// endRevoked returns a meta.Subscriber that ends the sessions whose password is no longer their user's, before the administrator who
// changed or deleted it is answered. Sessions on listeners that have PLAIN users of their own are not the metadata's to end.
func endRevoked(of sessions, listeners []Listener) meta.Subscriber {
	own := map[string]bool{}
	for i := range listeners {
		own[listeners[i].Name] = listeners[i].PlainUsers != nil
	}
	return func(old, next *meta.Image, d meta.Delta) {
		if len(d.ScramChanged) == 0 {
			return
		}
		of.CloseSessions("the credential was changed or deleted", func(s *auth.Session) bool {
			user := s.Principal.Name
			if s.Token != "" { // it was no password
				return false
			}
			if !slices.Contains(d.ScramChanged, user) || s.Method == "PLAIN" && own[s.Listener] {
				return false
			}
			before, byPassword := credentialFor(old, s.Method, user)
			after, _ := credentialFor(next, s.Method, user)
			return byPassword && !sameCredential(before, after)
		})
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
