package oauth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	testIssuer   = "https://issuer.example/realm"
	testAudience = "kafka"
	testSubject  = "alice"
)

// signingKey is a private key with its entry in a key set.
type signingKey struct {
	private   crypto.Signer
	algorithm jose.SignatureAlgorithm
	entry     jose.JSONWebKey
}

func newSigningKey(t testing.TB, id string, algorithm jose.SignatureAlgorithm) signingKey {
	t.Helper()
	var private crypto.Signer
	var err error
	switch algorithm {
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.ES512:
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, minRSABits)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signingKey{private, algorithm, jose.JSONWebKey{Key: private.Public(), KeyID: id, Algorithm: string(algorithm), Use: "sig"}}
}

// sign makes a token of claims, with more members in its header.
func (k signingKey) sign(t testing.TB, claims any, header map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if k.entry.KeyID != "" {
		options.WithHeader("kid", k.entry.KeyID)
	}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: k.private}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, isText := claims.(string)
	if !isText {
		payload = toJSON(t, claims)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func keySetOf(t testing.TB, keys ...signingKey) string {
	t.Helper()
	set := jose.JSONWebKeySet{}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.entry)
	}
	return toJSON(t, set)
}

// goodClaims are those of a valid token, with changes; a nil value takes a claim away.
func goodClaims(changes map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": testIssuer, "aud": testAudience, "sub": testSubject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"scope": "kafka", "groups": []string{"operators", "auditors"},
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// encode makes a part of a token.
func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func fileKeys(t testing.TB, set string) *Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, []byte(set), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := NewKeys(KeysConfig{
		URL: "file:" + path, Refresh: time.Hour, Backoff: time.Millisecond, BackoffMax: time.Second, Logger: discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func configOf(keys *Keys) Config {
	return Config{
		Keys: keys, Issuer: testIssuer, Audiences: []string{"other", testAudience}, SubjectClaim: "sub", ScopeClaim: "scope",
		GroupsClaim: "groups", Skew: 30 * time.Second,
	}
}

func newTestValidator(t testing.TB, cfg Config) Validator {
	t.Helper()
	v, err := NewValidator(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// endpoint is an issuer's address that answers with what it is given.
type endpoint struct {
	mu     sync.Mutex
	body   string
	status int
	err    error
	asked  int
}

func (e *endpoint) set(body string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.body, e.err = body, err
}

func (e *endpoint) times() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked
}

func (e *endpoint) RoundTrip(*http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	if e.err != nil {
		return nil, e.err
	}
	status := e.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewBufferString(e.body))}, nil
}

func (e *endpoint) config() KeysConfig {
	return KeysConfig{
		URL: "https://issuer.example/keys", Transport: func() (http.RoundTripper, error) { return e, nil },
		Refresh: time.Hour, Backoff: time.Second, BackoffMax: 4 * time.Second, Logger: discard(),
	}
}
