package scram

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/auth"
)

// ErrBadUserSpec is wrapped by the errors of ParseUserSpec. None of them repeats a value, which may be a password.
var ErrBadUserSpec = errors.New("bad SCRAM user, want MECHANISM=[name=NAME,password=PASSWORD]")

// UserSpec is a user to create, as kafka-storage's and chronik format's --add-scram name it.
type UserSpec struct {
	Hash Hash
	Name string
	// Password is the password in clear; empty where SaltedPassword is set or it comes from elsewhere.
	Password string
	// SaltedPassword, where not empty, stands for Password; it needs Salt.
	SaltedPassword []byte
	// Salt is random where empty.
	Salt []byte
	// Iterations is DefaultIterations where 0.
	Iterations int
}

// ParseUserSpec reads MECHANISM=[name=NAME,password=PASSWORD,iterations=N,salt=BASE64,saltedpassword=BASE64] as Apache
// Kafka's ScramParser does: values may stand in double quotes, and a comma always separates. A spec without any password is
// accepted, so that the caller can take it from a file; Credential refuses it if it stays without.
func ParseUserSpec(s string) (UserSpec, error) {
	mechanism, config, found := strings.Cut(strings.TrimSpace(s), "=")
	if !found {
		return UserSpec{}, fmt.Errorf("%w: no '=' after the mechanism", ErrBadUserSpec)
	}
	h, err := ParseHash(mechanism)
	if err != nil {
		return UserSpec{}, fmt.Errorf("%w: %w", ErrBadUserSpec, err)
	}
	body, opened := strings.CutPrefix(config, "[")
	body, closed := strings.CutSuffix(body, "]")
	if !opened || !closed {
		return UserSpec{}, fmt.Errorf("%w: the settings do not stand in [ and ]", ErrBadUserSpec)
	}
	spec := UserSpec{Hash: h}
	seen := map[string]bool{}
	for component := range strings.SplitSeq(body, ",") {
		key, value, found := strings.Cut(component, "=")
		key = strings.TrimSpace(key)
		if !found {
			return UserSpec{}, fmt.Errorf("%w: a setting without '='", ErrBadUserSpec)
		}
		if seen[key] {
			return UserSpec{}, fmt.Errorf("%w: %s is set twice", ErrBadUserSpec, key)
		}
		seen[key] = true
		if err := spec.set(key, unquote(strings.TrimSpace(value))); err != nil {
			return UserSpec{}, err
		}
	}
	return spec, spec.check()
}

func (s *UserSpec) set(key, value string) error {
	var err error
	switch key {
	case "name":
		s.Name = value
	case "password":
		s.Password = value
	case "salt":
		s.Salt, err = base64.StdEncoding.DecodeString(value)
	case "saltedpassword":
		s.SaltedPassword, err = base64.StdEncoding.DecodeString(value)
	case "iterations":
		s.Iterations, err = strconv.Atoi(value)
	default:
		return fmt.Errorf("%w: unknown setting (name, password, iterations, salt, saltedpassword are known)", ErrBadUserSpec)
	}
	if err != nil {
		return fmt.Errorf("%w: %s does not parse", ErrBadUserSpec, key)
	}
	return nil
}

func (s *UserSpec) check() error {
	switch {
	case s.Name == "":
		return fmt.Errorf("%w: no name", ErrBadUserSpec)
	case len(s.Name) > auth.MaxNameBytes:
		return fmt.Errorf("%w: name of %d bytes, allowed are %d", ErrBadUserSpec, len(s.Name), auth.MaxNameBytes)
	case s.Password != "" && len(s.SaltedPassword) > 0:
		return fmt.Errorf("%w: both password and saltedpassword", ErrBadUserSpec)
	case len(s.SaltedPassword) > 0 && len(s.Salt) == 0:
		return fmt.Errorf("%w: saltedpassword without its salt", ErrBadUserSpec)
	default:
		return nil
	}
}

// Credential derives the spec's credential.
func (s *UserSpec) Credential() (Credential, error) {
	salt, iterations := s.Salt, s.Iterations
	if len(salt) == 0 {
		salt = NewSalt()
	}
	if iterations == 0 {
		iterations = DefaultIterations
	}
	if len(s.SaltedPassword) > 0 {
		return FromSaltedPassword(s.SaltedPassword, salt, iterations, s.Hash)
	}
	if s.Password == "" {
		return Credential{}, fmt.Errorf("%w: user %q has no password", ErrBadUserSpec, s.Name)
	}
	return Derive(s.Password, salt, iterations, s.Hash)
}

func unquote(s string) string {
	if len(s) >= 2 && strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) {
		return s[1 : len(s)-1]
	}
	return s
}
