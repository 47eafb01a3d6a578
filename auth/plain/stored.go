package plain

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/chronik-stream/chronik/auth"
)

// ErrBusy is wrapped, and wraps auth.ErrUndecided, where too many log-ins wait for their passwords to be hashed.
var ErrBusy = fmt.Errorf("%w: too many wait for verification", auth.ErrUndecided)

// StoredConfig is what a StoredVerifier needs.
type StoredConfig struct {
	// Lookup returns the credential of a user; where the user has several, the one of the strongest hash.
	Lookup func(user string) (Credential, bool)
	// Usual returns what the derivation for an unknown user costs: that of most users. Nil is SCRAM-SHA-512 and 4096, and so is
	// a mechanism that there is not.
	Usual func() (mechanism string, iterations int)
	// Concurrent bounds the derivations that run at once; 0 is half of the processors.
	Concurrent int
}

// StoredVerifier checks passwords against SCRAM credentials. Deriving the key costs milliseconds, so few run at once, and a
// log-in that was right is remembered: as an HMAC of name and password under a key of this process, next to a fingerprint
// of the credential, so that it is forgotten with any change of the credential. Wrong passwords always cost a derivation.
type StoredVerifier struct {
	lookup     func(user string) (Credential, bool)
	usual      func() (mechanism string, iterations int)
	fakeSalt   []byte
	turns      chan struct{}
	key        [sha256.Size]byte
	remembered *lru.Cache[[sha256.Size]byte, [sha256.Size]byte]
}

var _ Verifier = (*StoredVerifier)(nil)

// NewStoredVerifier returns the verifier that cfg describes.
func NewStoredVerifier(cfg StoredConfig) (*StoredVerifier, error) {
	if cfg.Lookup == nil {
		return nil, fmt.Errorf("%w: no Lookup", ErrBadConfig)
	}
	if cfg.Concurrent == 0 {
		cfg.Concurrent = defaultConcurrent()
	}
	if cfg.Concurrent < 1 {
		return nil, fmt.Errorf("%w: %d at once", ErrBadConfig, cfg.Concurrent)
	}
	remembered, err := lru.New[[sha256.Size]byte, [sha256.Size]byte](maxRemembered)
	if err != nil {
		return nil, fmt.Errorf("make the memory of log-ins: %w", err)
	}
	v := &StoredVerifier{lookup: cfg.Lookup, usual: cfg.Usual, fakeSalt: randomSalt(), turns: make(chan struct{}, cfg.Concurrent), remembered: remembered}
	_, _ = rand.Read(v.key[:]) // crypto/rand.Read never fails: it ends the program instead
	return v, nil
}

// Verify returns nil if password is the user's. An unknown user costs a derivation too.
func (v *StoredVerifier) Verify(ctx context.Context, user, password string) error {
	credential, known := v.lookup(user)
	if !known {
		credential = v.fake()
	}
	memory, print := v.memory(user, password), credential.fingerprint()
	if past, found := v.remembered.Get(memory); known && found && past == print {
		return nil
	}
	matches, err := v.derive(ctx, &credential, password)
	switch {
	case err != nil:
		return fmt.Errorf("verify the password of %q: %w", user, err)
	case !known:
		return auth.ErrUnknownUser
	case !matches:
		return auth.ErrBadCredential
	}
	v.remembered.Add(memory, print)
	return nil
}

// fake is a credential that no password opens and that costs what most do.
func (v *StoredVerifier) fake() Credential {
	c := Credential{Mechanism: defaultMechanism, Iterations: defaultIterations, Salt: v.fakeSalt}
	if v.usual != nil {
		mechanism, iterations := v.usual()
		if _, err := hashOf(mechanism); err == nil && iterations > 0 {
			c.Mechanism, c.Iterations = mechanism, iterations
		}
	}
	return c
}

// derive waits for its turn and compares.
func (v *StoredVerifier) derive(ctx context.Context, c *Credential, password string) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, ErrBusy)
	defer cancel()
	select {
	case v.turns <- struct{}{}:
	case <-ctx.Done():
		return false, fmt.Errorf("wait for a turn: %w", context.Cause(ctx))
	}
	defer func() { <-v.turns }()
	return c.matches(password)
}

func (v *StoredVerifier) memory(user, password string) [sha256.Size]byte {
	m := hmac.New(sha256.New, v.key[:])
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(len(user))))
	m.Write([]byte(user))
	m.Write([]byte(password))
	return [sha256.Size]byte(m.Sum(nil))
}

const (
	defaultMechanism  = "SCRAM-SHA-512"
	defaultIterations = 4096
	saltBytes         = 16
)

func randomSalt() []byte {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt)
	return salt
}
