package token

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/chronik-stream/chronik/auth/scram"
)

// Keyring holds what the tokens of a cluster are proved with. It is safe for concurrent use.
type Keyring struct {
	keys   keys
	hashes []scram.Hash

	mu     sync.RWMutex // guards what follows
	tokens map[string]*derived
	byHMAC map[[sha256.Size]byte]string
	// fresh are tokens whose credentials nobody has derived yet; added holds a mark while there are any.
	fresh []string
	added chan struct{}
}

// derived is one token's credentials: made once, when they are first wanted.
type derived struct {
	print       [sha256.Size]byte
	credentials map[scram.Hash]func() (scram.Credential, error)
}

// NewKeyring returns an empty keyring for log-ins by mechanisms with these hashes. It fails with ErrBadSecret.
func NewKeyring(secret string, hashes ...scram.Hash) (*Keyring, error) {
	if len(secret) < MinSecretBytes {
		return nil, fmt.Errorf("%w: %d bytes, needed are %d", ErrBadSecret, len(secret), MinSecretBytes)
	}
	return &Keyring{
		keys: keys{secret: []byte(secret)}, hashes: hashes, tokens: map[string]*derived{}, byHMAC: map[[sha256.Size]byte]string{},
		added: make(chan struct{}, 1),
	}, nil
}

// HMAC is a token's secret. It is given to those only who may have it, and kept nowhere.
func (r *Keyring) HMAC(id string) []byte { return r.keys.hmac(id) }

// Add makes a token known.
func (r *Keyring) Add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tokens[id] != nil {
		return
	}
	d := &derived{print: fingerprint(r.HMAC(id)), credentials: map[scram.Hash]func() (scram.Credential, error){}}
	for _, h := range r.hashes {
		d.credentials[h] = sync.OnceValues(func() (scram.Credential, error) { return r.keys.credential(id, h) })
	}
	r.tokens[id], r.byHMAC[d.print] = d, id
	r.fresh = append(r.fresh, id)
	select {
	case r.added <- struct{}{}:
	default:
	}
}

// Remove forgets a token.
func (r *Keyring) Remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.tokens[id]; d != nil {
		delete(r.tokens, id)
		delete(r.byHMAC, d.print)
	}
}

// Find returns the id of the token with an HMAC.
func (r *Keyring) Find(secret []byte) (id string, found bool) {
	r.mu.RLock()
	id, found = r.byHMAC[fingerprint(secret)]
	r.mu.RUnlock()
	return id, found && hmac.Equal(secret, r.HMAC(id))
}

// Credential returns what a log-in by a token is checked against. Where Run has not come to the token yet it takes some milliseconds.
func (r *Keyring) Credential(id string, h scram.Hash) (scram.Credential, bool) {
	r.mu.RLock()
	d := r.tokens[id]
	r.mu.RUnlock()
	if d == nil || d.credentials[h] == nil {
		return scram.Credential{}, false
	}
	c, err := d.credentials[h]()
	return c, err == nil
}

// Run derives credentials ahead of the log-ins that will ask for them, until ctx ends: a log-in that had to wait would tell that there
// is such a token.
func (r *Keyring) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.added:
		}
		for id, more := r.next(); more && ctx.Err() == nil; id, more = r.next() {
			for _, h := range r.hashes {
				_, _ = r.Credential(id, h) // who logs in gets the error
			}
		}
	}
}

// next takes a token whose credentials have not been derived.
func (r *Keyring) next() (id string, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fresh) == 0 {
		r.fresh = nil
		return "", false
	}
	id = r.fresh[0]
	r.fresh = r.fresh[1:]
	return id, true
}
