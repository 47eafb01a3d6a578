package oauth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// Why a set of keys does not serve.
var (
	// ErrBadKeySet is wrapped by the errors about what the issuer sent.
	ErrBadKeySet  = errors.New("bad JSON Web Key Set")
	errUnknownKey = errors.New("the token's key is not known")
	errNotThatKey = errors.New("the token's key does not go with its algorithm")
	errWhichKey   = errors.New("the token names no key, and more than one would do")
)

// publicKey is one key of a set.
type publicKey struct {
	id     string
	public any
	// verifies are the algorithms that it may be used with.
	verifies []jose.SignatureAlgorithm
}

// keySet is one state of the issuer's keys. It never changes.
type keySet struct {
	keys []publicKey
	// unusable counts the keys that serve no token here, such as those for encryption.
	unusable int
}

// parseKeySet reads a JSON Web Key Set. Keys that are of no use are left out, as RFC 7517 section 5 advises; a set without any that
// is of use is an error.
func parseKeySet(text []byte) (*keySet, error) {
	if len(text) > maxKeySetBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrBadKeySet, maxKeySetBytes)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKeySet, err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%w: %d keys, allowed are %d", ErrBadKeySet, len(set.Keys), maxKeys)
	}
	s := &keySet{}
	var reasons []error
	for i, raw := range set.Keys {
		k, err := parseKey(raw)
		if err != nil {
			reasons = append(reasons, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		s.keys = append(s.keys, k)
	}
	if s.unusable = len(reasons); len(s.keys) == 0 {
		return nil, errors.Join(append([]error{fmt.Errorf("%w: it has no key that verifies tokens", ErrBadKeySet)}, reasons...)...)
	}
	return s, nil
}

// parseKey reads one key and honours what it says of itself: use, key_ops and alg (RFC 7517 section 4).
func parseKey(raw json.RawMessage) (publicKey, error) {
	var says struct {
		Use        string   `json:"use"`
		Operations []string `json:"key_ops"`
		Algorithm  string   `json:"alg"`
	}
	if err := json.Unmarshal(raw, &says); err != nil {
		return publicKey{}, fmt.Errorf("%w: %w", errUnusableKey, err)
	}
	key, err := withoutCertificates(raw)
	if err != nil {
		return publicKey{}, fmt.Errorf("%w: %w", errUnusableKey, err)
	}
	verifies, err := algorithmsOf(key.Key)
	if err != nil {
		return publicKey{}, err
	}
	if says.Algorithm != "" {
		verifies = slices.DeleteFunc(verifies, func(a jose.SignatureAlgorithm) bool { return string(a) != says.Algorithm })
	}
	switch {
	case len(key.KeyID) > maxKeyID:
		return publicKey{}, fmt.Errorf("%w: its id has more than %d bytes", errUnusableKey, maxKeyID)
	case says.Use != "" && says.Use != "sig":
		return publicKey{}, fmt.Errorf("%w: its use is %.16q", errUnusableKey, says.Use)
	case len(says.Operations) > 0 && !slices.Contains(says.Operations, "verify"):
		return publicKey{}, fmt.Errorf("%w: verify is none of its operations", errUnusableKey)
	case len(verifies) == 0:
		return publicKey{}, fmt.Errorf("%w: its algorithm is %.16q", errUnusableKey, says.Algorithm)
	}
	return publicKey{id: key.KeyID, public: key.Key, verifies: verifies}, nil
}

// withoutCertificates reads a key's own numbers. What it says of certificates (x5c, x5t and others) adds nothing to a key that is trusted
// for where it comes from, and would be compared by SHA-1.
func withoutCertificates(raw json.RawMessage) (jose.JSONWebKey, error) {
	var members map[string]*json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return jose.JSONWebKey{}, err
	}
	maps.DeleteFunc(members, func(name string, _ *json.RawMessage) bool { return strings.HasPrefix(name, "x5") })
	text, err := json.Marshal(members)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	var key jose.JSONWebKey
	return key, key.UnmarshalJSON(text)
}

// find returns the key for a token: the one with its id, or, for a token that names none, the only one that its algorithm goes with.
func (s *keySet) find(id string, algorithm jose.SignatureAlgorithm) (any, error) {
	var found []publicKey
	named := false
	for _, k := range s.keys {
		if id != "" && k.id != id {
			continue
		}
		named = true
		if slices.Contains(k.verifies, algorithm) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 1:
		return found[0].public, nil
	case len(found) > 1:
		return nil, errWhichKey
	case named:
		return nil, errNotThatKey
	default:
		return nil, errUnknownKey
	}
}

// sameKeys reports whether two sets have the same ids in the same order, for the log.
func (s *keySet) sameKeys(other *keySet) bool {
	return other != nil && slices.EqualFunc(s.keys, other.keys, func(a, b publicKey) bool { return a.id == b.id })
}
