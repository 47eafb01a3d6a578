package scram

import (
	"crypto/sha256"
	"errors"
	"fmt"

	xdg "github.com/xdg-go/scram"

	"github.com/chronik-stream/chronik/auth"
)

// ErrBadConfig is wrapped by New's errors.
var ErrBadConfig = errors.New("bad SCRAM configuration")

// Config is what a Mechanism needs.
type Config struct {
	// Hash chooses the mechanism.
	Hash Hash
	// Lookup returns the stored credential of a user for this mechanism. It must not block and is called once per attempt.
	Lookup func(user string) (Credential, bool)
	// Tokens returns a delegation token that has not expired; nil means that there are none. It must not block.
	Tokens func(id string) (Token, bool)
	// FakeSaltKey is the secret that the salts of unknown users are made with, the same on every broker and at every
	// start of one cluster: a salt that changes would tell that its user does not exist. At least MinFakeSaltKey bytes.
	FakeSaltKey []byte
	// FakeIterations returns the count that unknown users are shown: the one that most users of the cluster have. It must not
	// block. Nil is DefaultIterations, and so is a count that no credential may have.
	FakeIterations func() int
}

// Mechanism is SCRAM-SHA-256 or SCRAM-SHA-512 without channel binding. It is safe for concurrent use.
type Mechanism struct {
	hash       Hash
	lookup     func(user string) (Credential, bool)
	tokens     func(id string) (Token, bool)
	fakeKey    []byte
	iterations func() int
	generator  xdg.HashGeneratorFcn
	nonce      xdg.NonceGeneratorFcn // nil: the library's, 192 random bits
}

var _ auth.Mechanism = (*Mechanism)(nil)

// New returns the mechanism that cfg describes.
func New(cfg Config) (*Mechanism, error) {
	m := &Mechanism{hash: cfg.Hash, lookup: cfg.Lookup, tokens: cfg.Tokens, iterations: cfg.FakeIterations}
	if m.iterations == nil {
		m.iterations = func() int { return DefaultIterations }
	}
	switch cfg.Hash {
	case SHA256:
		m.generator = xdg.SHA256
	case SHA512:
		m.generator = xdg.SHA512
	default:
		return nil, fmt.Errorf("%w: no known hash", ErrBadConfig)
	}
	if cfg.Lookup == nil {
		return nil, fmt.Errorf("%w: no Lookup", ErrBadConfig)
	}
	if len(cfg.FakeSaltKey) < MinFakeSaltKey {
		return nil, fmt.Errorf("%w: fake salt key of %d bytes, needed are %d", ErrBadConfig, len(cfg.FakeSaltKey), MinFakeSaltKey)
	}
	m.fakeKey = mac(SHA256, cfg.FakeSaltKey, "chronik fake SCRAM credential ", cfg.Hash.String())
	return m, nil
}

// Name returns SCRAM-SHA-256 or SCRAM-SHA-512.
func (m *Mechanism) Name() string { return m.hash.String() }

// Start begins one log-in attempt.
func (m *Mechanism) Start() auth.Exchange { return &exchange{mechanism: m} }

// fake makes the credential that an unknown user is shown. Its salt is a function of the name alone and has the form of a
// real one; no password opens it, since its keys are no image of a client key that anybody knows.
func (m *Mechanism) fake(user string) Credential {
	salt := mac(SHA256, m.fakeKey, "salt ", user)
	iterations := m.iterations()
	if iterations < MinIterations || iterations > MaxIterations {
		iterations = DefaultIterations
	}
	return Credential{
		Hash:       m.hash,
		Salt:       SaltFrom(salt[:sha256.Size]),
		Iterations: iterations,
		StoredKey:  mac(m.hash, m.fakeKey, "stored ", user),
		ServerKey:  mac(m.hash, m.fakeKey, "server ", user),
	}
}

// find returns the credential to talk with, and why it will not do in the end: nil for a known user.
func (m *Mechanism) find(user string) (Credential, error) {
	stored, known := m.lookup(user)
	made := m.fake(user) // made for known users too: the time spent here does not tell
	if !known {
		return made, auth.ErrUnknownUser
	}
	if stored.Hash != m.hash {
		return made, fmt.Errorf("%w: for %s", ErrBadCredential, stored.Hash)
	}
	if err := stored.Validate(); err != nil {
		return made, err
	}
	return stored, nil
}
