package doctor

import (
	"crypto/hmac"
	"sync"

	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker/meta"
)

// maxTrialWork bounds the iterations of one Try: about a second, and some 18 credentials of 4096 iterations.
const maxTrialWork = 2_000_000

// Trial finds the stored credentials of passwords that examples have, by hashing those. It remembers what it has tried, so that who asks
// again and again costs nothing more. The zero value has tried nothing; it is safe for concurrent use.
type Trial struct {
	mu    sync.Mutex
	tried map[scramName]tried
}

type scramName struct {
	user      string
	mechanism meta.ScramMechanism
}

type tried struct {
	storedKey string
	isDefault bool
}

// Defaults is what a Trial has come to.
type Defaults struct {
	// Credentials is how many are of a password that examples have, or of the user's name. Found are the users of those that this call has
	// found, for the eyes of the operator: who reads their names knows their passwords.
	Credentials int
	Found       []string
	// Left is how many are to be tried by the next call.
	Left int
}

// Try tries the credentials of an image that are new since the last call, as far as maxTrialWork goes.
func (t *Trial) Try(img *meta.Image) Defaults {
	t.mu.Lock()
	defer t.mu.Unlock()
	var d Defaults
	work, now := 0, map[scramName]tried{}
	img.ScramUsers(func(user string, credentials []meta.ScramCredential) bool {
		for i := range credentials {
			c := &credentials[i]
			name := scramName{user, c.Mechanism}
			known, found := t.tried[name]
			if !found || known.storedKey != string(c.StoredKey) {
				if work >= maxTrialWork {
					d.Left++
					continue
				}
				words := defaultsFor(user)
				work += len(words) * c.Iterations
				known = tried{string(c.StoredKey), isOneOf(c, words)}
				if known.isDefault {
					d.Found = append(d.Found, user)
				}
			}
			now[name] = known
			if known.isDefault {
				d.Credentials++
			}
		}
		return true
	})
	t.tried = now
	return d
}

// defaultsFor are the passwords that are tried for a user.
func defaultsFor(user string) []string {
	return append([]string{user, user + "-secret"}, examplePasswords()...)
}

// isOneOf reports whether a credential is of one of these passwords. One that opens nothing, as in FIPS 140-3 mode with a short salt, is of
// none.
func isOneOf(c *meta.ScramCredential, passwords []string) bool {
	for _, p := range passwords {
		made, err := scram.Derive(p, c.Salt, c.Iterations, scram.Hash(c.Mechanism)) //nolint:gosec // a mechanism is 1 or 2
		if err == nil && hmac.Equal(made.StoredKey, c.StoredKey) {
			return true
		}
	}
	return false
}
