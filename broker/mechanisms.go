package broker

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/auth/plain"
	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/server"
)

// mechanismsOf makes the SASL mechanisms of a listener over the users and the tokens of the metadata.
func mechanismsOf(l *Listener, store *meta.Store, tokens *tokens, usual *usualCosts) ([]auth.Mechanism, error) {
	var out []auth.Mechanism
	for _, name := range l.Mechanisms {
		m, err := mechanism(name, l, store, tokens, usual)
		if err != nil {
			return nil, fmt.Errorf("listener %s: mechanism %s: %w", l.Name, name, err)
		}
		out = append(out, m)
	}
	return out, nil
}

func mechanism(name string, l *Listener, store *meta.Store, tokens *tokens, usual *usualCosts) (auth.Mechanism, error) {
	switch name {
	case "SCRAM-SHA-256":
		return scramMechanism(scram.SHA256, meta.ScramSHA256, store, tokens, usual)
	case "SCRAM-SHA-512":
		return scramMechanism(scram.SHA512, meta.ScramSHA512, store, tokens, usual)
	case "PLAIN":
		if l.LDAP != nil {
			return ldapMechanism(l.LDAP)
		}
		verifier, err := plainVerifier(l, store, usual)
		if err != nil {
			return nil, err
		}
		return plain.New(plain.Config{Verifier: verifier})
	case "GSSAPI":
		return gssapi.New(*l.GSSAPI)
	case "OAUTHBEARER":
		return oauthMechanism(l.OAuth)
	default:
		return nil, fmt.Errorf("%w: this broker does not have it", auth.ErrMalformed)
	}
}

func scramMechanism(hash scram.Hash, m meta.ScramMechanism, store *meta.Store, tokens *tokens, usual *usualCosts) (auth.Mechanism, error) {
	return scram.New(scram.Config{
		Hash: hash, FakeSaltKey: derivedSecret(store, "salts of unknown users, "+m.String()), Tokens: tokens.forLogins(hash),
		FakeIterations: func() int { return usual.of(m).iterations },
		Lookup: func(user string) (scram.Credential, bool) {
			c := store.Image().Scram(user, m)
			if c == nil {
				return scram.Credential{}, false
			}
			return credentialOf(c), true
		},
	})
}

// keeper is a mechanism that keeps something fresh, such as keys that it has read from a file, until ctx ends.
type keeper interface {
	Run(ctx context.Context)
}

// keepFresh runs what the listeners' mechanisms have to do beside log-ins.
func (b *Broker) keepFresh(ctx context.Context, listeners []server.Listener) {
	for i := range listeners {
		for _, m := range listeners[i].Mechanisms {
			if k, keeps := m.(keeper); keeps {
				b.background(ctx, k.Run)
			}
		}
	}
}

// derivedSecret is a secret for one purpose, made of the cluster's.
func derivedSecret(store *meta.Store, purpose string) []byte {
	mac := hmac.New(sha256.New, store.Image().Secret())
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// plainVerifier checks passwords against the listener's configured users or, where it has none, against the SCRAM users.
func plainVerifier(l *Listener, store *meta.Store, usual *usualCosts) (plain.Verifier, error) {
	if l.PlainUsers != nil {
		return plain.NewStoredVerifier(plain.StoredConfig{Lookup: l.PlainUsers.Lookup, Usual: l.PlainUsers.Usual})
	}
	return plain.NewStoredVerifier(plain.StoredConfig{
		Lookup: func(user string) (plain.Credential, bool) {
			c := plainCredential(store.Image(), user)
			if c == nil {
				return plain.Credential{}, false
			}
			return plain.Credential{Mechanism: c.Mechanism.String(), Salt: c.Salt, Iterations: c.Iterations, StoredKey: c.StoredKey}, true
		},
		Usual: func() (string, int) {
			c := usual.of(byPlain)
			return c.mechanism.String(), c.iterations
		},
	})
}

// byListener finds the mechanism of a type by the listeners that have it.
func byListener[M auth.Mechanism](listeners []server.Listener) map[string]M {
	found := map[string]M{}
	for i := range listeners {
		for _, mechanism := range listeners[i].Mechanisms {
			if m, is := mechanism.(M); is {
				found[listeners[i].Name] = m
			}
		}
	}
	return found
}
