package plain

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
)

// ErrUnusable is wrapped by the errors about a stored credential that cannot be checked against.
var ErrUnusable = errors.New("unusable stored credential")

// Credential is the part of a SCRAM credential that a password can be checked against (RFC 5802 section 3).
type Credential struct {
	// Mechanism is SCRAM-SHA-256 or SCRAM-SHA-512.
	Mechanism  string
	Salt       []byte
	Iterations int
	StoredKey  []byte
}

func hashOf(mechanism string) (func() hash.Hash, error) {
	switch mechanism {
	case "SCRAM-SHA-256":
		return sha256.New, nil
	case "SCRAM-SHA-512":
		return sha512.New, nil
	default:
		return nil, fmt.Errorf("%w: mechanism %q", ErrUnusable, mechanism)
	}
}

// storedKey derives StoredKey = H(HMAC(Hi(password, salt, i), "Client Key")).
func storedKey(mechanism, password string, salt []byte, iterations int) ([]byte, error) {
	h, err := hashOf(mechanism)
	if err != nil {
		return nil, err
	}
	if len(salt) == 0 || iterations < 1 {
		return nil, fmt.Errorf("%w: salt of %d bytes, %d iterations", ErrUnusable, len(salt), iterations)
	}
	salted, err := pbkdf2.Key(h, password, salt, iterations, h().Size())
	if err != nil {
		return nil, fmt.Errorf("derive the salted password: %w", err)
	}
	clientKey := hmac.New(h, salted)
	clientKey.Write([]byte("Client Key"))
	stored := h()
	stored.Write(clientKey.Sum(nil))
	return stored.Sum(nil), nil
}

// matches derives the key of password and compares it in constant time (CVE-2021-38153).
func (c *Credential) matches(password string) (bool, error) {
	derived, err := storedKey(c.Mechanism, password, c.Salt, c.Iterations)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(derived, c.StoredKey) == 1, nil
}

// fingerprint changes with every part of c.
func (c *Credential) fingerprint() [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d %x %x", c.Mechanism, c.Iterations, c.Salt, c.StoredKey))
}
