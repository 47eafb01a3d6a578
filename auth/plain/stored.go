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
	// FakeMechanism and FakeIterations are what a derivation for an unknown user costs: those of most users.
	// "" is SCRAM-SHA-512, 0 is 4096.
	FakeMechanism  string
	FakeIterations int
	// Concurrent bounds the derivations that run at once; 0 is half of the processors.
	Concurrent int
}

// StoredVerifier checks passwords against SCRAM credentials. Deriving the key costs milliseconds, so few run at once, and a
// log-in that was right is remembered: as an HMAC of name and password under a key of this process, next to a fingerprint
// of the credential, so that it is forgotten with any change of the credential. Wrong passwords always cost a derivation.
type StoredVerifier struct {
	lookup     func(user string) (Credential, bool)
	fake       Credential
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
	if cfg.FakeMechanism == "" {
		cfg.FakeMechanism = defaultMechanism
	}
	if cfg.FakeIterations == 0 {
		cfg.FakeIterations = defaultIterations
	}
	if cfg.Concurrent == 0 {
		cfg.Concurrent = defaultConcurrent()
	}
	h, err := hashOf(cfg.FakeMechanism)
	if err != nil || cfg.FakeIterations < 1 || cfg.Concurrent < 1 {
		return nil, fmt.Errorf("%w: fake mechanism %q with %d iterations, %d at once", ErrBadConfig, cfg.FakeMechanism, cfg.FakeIterations, cfg.Concurrent)
	}
	remembered, err := lru.New[[sha256.Size]byte, [sha256.Size]byte](maxRemembered)
	if err != nil {
		return nil, fmt.Errorf("make the memory of log-ins: %w", err)
	}
	v := &StoredVerifier{lookup: cfg.Lookup, turns: make(chan struct{}, cfg.Concurrent), remembered: remembered}
	_, _ = rand.Read(v.key[:]) // crypto/rand.Read never fails: it ends the program instead
	v.fake = Credential{Mechanism: cfg.FakeMechanism, Iterations: cfg.FakeIterations, Salt: randomSalt(), StoredKey: make([]byte, h().Size())}
	return v, nil
}

// Verify returns nil if password is the user's. An unknown user costs a derivation too.
func (v *StoredVerifier) Verify(ctx context.Context, user, password string) error {
	credential, known := v.lookup(user)
	if !known {
		credential = v.fake
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
