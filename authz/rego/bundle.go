package rego

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
)

// ErrNoKey says that the key of a bundle's signature can not be used.
var ErrNoKey = errors.New("the key is not a public key of RSA, ECDSA or Ed25519 in PEM")

// keyID is the one key that signatures are looked at with, whatever they name.
const keyID = "policies"

type signed struct {
	files fs.FS
	name  string
	key   *bundle.VerificationConfig
	seen  seen
}

// Bundle returns the policies of a bundle of the Open Policy Agent, a tar.gz, that has to be signed by the key whose public half is given in PEM.
// The algorithm is the key's: RS256, ES256, ES384, ES512 or EdDSA.
func Bundle(files fs.FS, name string, publicKey []byte) (Source, error) {
	algorithm, err := algorithmOf(publicKey)
	if err != nil {
		return nil, err
	}
	keys := map[string]*bundle.KeyConfig{keyID: {Key: string(publicKey), Algorithm: algorithm}}
	return &signed{files: files, name: name, key: bundle.NewVerificationConfig(keys, keyID, "", nil)}, nil
}

func algorithmOf(publicKey []byte) (string, error) {
	block, _ := pem.Decode(publicKey)
	if block == nil {
		return "", ErrNoKey
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		return "RS256", nil
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return "ES256", nil
		case 384:
			return "ES384", nil
		case 521:
			return "ES512", nil
		}
	case ed25519.PublicKey:
		return "EdDSA", nil
	}
	return "", ErrNoKey
}

// Read implements Source.
func (s *signed) Read() (Snapshot, error) {
	now := stampOf(s.files, []string{s.name})
	if s.seen.still(now) {
		return again(s.seen.digest, s.readAll), nil
	}
	snapshot, err := s.readAll()
	if err == nil {
		s.seen.keep(now, snapshot.Digest)
	}
	return snapshot, err
}

func (s *signed) readAll() (Snapshot, error) {
	b, err := s.packed()
	if err != nil {
		return Snapshot{}, err
	}
	snapshot := snapshotOf(b)
	snapshot.Files = func() (*Files, error) { return s.open(b) }
	return snapshot, nil
}

// snapshotOf is that of a bundle's file, without what is in it.
func snapshotOf(packed []byte) Snapshot { return Snapshot{Digest: sha256.Sum256(packed)} }

// packed is the bundle's file.
func (s *signed) packed() ([]byte, error) {
	f, err := openRegular(s.files, s.name)
	if err != nil {
		return nil, fmt.Errorf("open the bundle: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, MaxBundleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the bundle %s: %w", s.name, err)
	}
	if len(b) > MaxBundleBytes {
		return nil, fmt.Errorf("%w: the bundle %s has more than %d bytes", ErrTooLarge, s.name, MaxBundleBytes)
	}
	return b, nil
}

func (s *signed) open(b []byte) (*Files, error) {
	if err := checkUnpacked(b); err != nil {
		return nil, fmt.Errorf("the bundle %s: %w", s.name, err)
	}
	// As with modules in a directory, either version of the language will do.
	opened, err := s.verify(b, ast.RegoV0)
	if err != nil {
		var again error
		if opened, again = s.verify(b, ast.RegoV1); again != nil {
			return nil, fmt.Errorf("the bundle %s: %w", s.name, again)
		}
	}
	out := &Files{Modules: map[string]string{}, Data: opened.Data}
	left := budget{}
	for i := range opened.Modules {
		m := &opened.Modules[i]
		if err := left.take(m.Path, len(m.Raw)); err != nil {
			return nil, err
		}
		out.Modules[m.Path] = string(m.Raw)
	}
	if len(out.Modules) > MaxFiles {
		return nil, fmt.Errorf("%w: more than %d modules", ErrTooLarge, MaxFiles)
	}
	return out, nil
}

func (s *signed) verify(b []byte, version ast.RegoVersion) (bundle.Bundle, error) {
	return bundle.NewReader(bytes.NewReader(b)).WithBundleVerificationConfig(s.key).WithSizeLimitBytes(MaxDataBytes).WithRegoVersion(version).Read()
}

// checkUnpacked reads a packed bundle to its end, so that a small one that would grow without bound is refused before it is kept.
func checkUnpacked(b []byte) error {
	in, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	n, err := io.Copy(io.Discard, io.LimitReader(in, 2*MaxBundleBytes+1))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	if n > 2*MaxBundleBytes {
		return fmt.Errorf("%w: more than %d bytes when unpacked", ErrTooLarge, 2*MaxBundleBytes)
	}
	return nil
}
