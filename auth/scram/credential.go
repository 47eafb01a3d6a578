package scram

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"

	"github.com/chronik-stream/chronik/auth"
)

// ErrBadCredential is wrapped by the errors about a credential that cannot be made or used.
var ErrBadCredential = errors.New("unusable SCRAM credential")

// ErrUnknownMechanism is wrapped where a name is no SCRAM mechanism of this package.
var ErrUnknownMechanism = errors.New("unknown SCRAM mechanism")

// Hash is the hash function of a SCRAM mechanism. Its numbers are those of Kafka's ScramMechanism in the protocol
// (KIP-554); the zero value is none.
type Hash int8

const (
	// SHA256 is the hash of SCRAM-SHA-256.
	SHA256 Hash = 1
	// SHA512 is the hash of SCRAM-SHA-512.
	SHA512 Hash = 2
)

// ParseHash reads a mechanism's SASL name, such as SCRAM-SHA-512.
func ParseHash(mechanism string) (Hash, error) {
	switch mechanism {
	case "SCRAM-SHA-256":
		return SHA256, nil
	case "SCRAM-SHA-512":
		return SHA512, nil
	default:
		return 0, fmt.Errorf("%w: %q (SCRAM-SHA-256 and SCRAM-SHA-512 are known)", ErrUnknownMechanism, mechanism)
	}
}

// String returns the SASL name of the mechanism with this hash, or "UNKNOWN".
func (h Hash) String() string {
	switch h {
	case SHA256:
		return "SCRAM-SHA-256"
	case SHA512:
		return "SCRAM-SHA-512"
	default:
		return "UNKNOWN"
	}
}

// Size is the length of a digest in bytes, 0 for an unknown hash.
func (h Hash) Size() int {
	switch h {
	case SHA256:
		return sha256.Size
	case SHA512:
		return sha512.Size
	default:
		return 0
	}
}

func (h Hash) new() hash.Hash {
	if h == SHA256 {
		return sha256.New()
	}
	return sha512.New()
}

// Credential is what the server keeps of a password (RFC 5802 section 3): enough to check a proof, not enough to make one.
type Credential struct {
	Hash       Hash
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte
}

// Validate checks that c has a known hash, keys of its length, a salt and iterations within bounds.
func (c Credential) Validate() error {
	size := c.Hash.Size()
	switch {
	case size == 0:
		return fmt.Errorf("%w: no known hash", ErrBadCredential)
	case len(c.StoredKey) != size || len(c.ServerKey) != size:
		return fmt.Errorf("%w: keys of %d and %d bytes, %s has %d", ErrBadCredential, len(c.StoredKey), len(c.ServerKey), c.Hash, size)
	default:
		return checkCost(c.Salt, c.Iterations)
	}
}

func checkCost(salt []byte, iterations int) error {
	if len(salt) == 0 || len(salt) > MaxSaltBytes {
		return fmt.Errorf("%w: salt of %d bytes, allowed are 1 to %d", ErrBadCredential, len(salt), MaxSaltBytes)
	}
	if fips140.Enabled() && len(salt) < MinFIPSSaltBytes {
		return fmt.Errorf("%w: salt of %d bytes, in FIPS 140-3 mode at least %d are needed: set the password again with a longer one",
			ErrBadCredential, len(salt), MinFIPSSaltBytes)
	}
	if iterations < MinIterations || iterations > MaxIterations {
		return fmt.Errorf("%w: %d iterations, allowed are %d to %d", ErrBadCredential, iterations, MinIterations, MaxIterations)
	}
	return nil
}

// Derive makes the credential of a password, given as the client will send it (no SASLprep; see the package comment).
func Derive(password string, salt []byte, iterations int, h Hash) (Credential, error) {
	salted, err := Salted(password, salt, iterations, h)
	if err != nil {
		return Credential{}, err
	}
	return FromSaltedPassword(salted, salt, iterations, h)
}

// Salted is the salted password (RFC 5802 section 3), which is what AlterUserScramCredentials carries.
func Salted(password string, salt []byte, iterations int, h Hash) ([]byte, error) {
	if password == "" || len(password) > auth.MaxPasswordBytes {
		return nil, fmt.Errorf("%w: password of %d bytes, allowed are 1 to %d", ErrBadCredential, len(password), auth.MaxPasswordBytes)
	}
	if h.Size() == 0 {
		return nil, fmt.Errorf("%w: no known hash", ErrBadCredential)
	}
	if err := checkCost(salt, iterations); err != nil {
		return nil, err
	}
	salted, err := pbkdf2.Key(h.new, password, salt, iterations, h.Size())
	if err != nil {
		return nil, fmt.Errorf("derive the salted password: %w", err)
	}
	return salted, nil
}

// FromSaltedPassword makes the credential of an already salted password, which is what AlterUserScramCredentials carries
// (KIP-554). It must be as long as the hash.
func FromSaltedPassword(salted, salt []byte, iterations int, h Hash) (Credential, error) {
	if h.Size() == 0 || len(salted) != h.Size() {
		return Credential{}, fmt.Errorf("%w: salted password of %d bytes, %s has %d", ErrBadCredential, len(salted), h, h.Size())
	}
	stored := h.new()
	stored.Write(mac(h, salted, "Client Key"))
	c := Credential{
		Hash:       h,
		Salt:       append([]byte(nil), salt...),
		Iterations: iterations,
		StoredKey:  stored.Sum(nil),
		ServerKey:  mac(h, salted, "Server Key"),
	}
	return c, c.Validate()
}

func mac(h Hash, key []byte, parts ...string) []byte {
	m := hmac.New(h.new, key)
	for _, p := range parts {
		_, _ = io.WriteString(m, p)
	}
	return m.Sum(nil)
}

// NewSalt makes a random salt of the form that Apache Kafka's tools give theirs: 130 random bits in base 36. Fake salts of
// unknown users have the same form, so that a salt tells nobody whether its user exists.
func NewSalt() []byte {
	random := make([]byte, (saltBits+7)/8)
	_, _ = rand.Read(random) // crypto/rand.Read never fails: it ends the program instead
	return SaltFrom(random)
}

// SaltFrom makes a salt of that form of the first 130 bits of random, which has 17 bytes at least.
func SaltFrom(random []byte) []byte {
	n := new(big.Int).SetBytes(random[:(saltBits+7)/8])
	n.Rsh(n, 8-saltBits%8)
	return []byte(n.Text(36))
}
