package harness

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer is an OpenID provider over TLS on loopback: discovery, keys, and tokens by client credentials. It ends with the test.
type Issuer struct {
	// URL is the issuer's name and the address that all others begin with.
	URL string
	// CA is a file with the certificate that the address is verified by.
	CA string

	server *httptest.Server

	mu       sync.Mutex
	clients  map[string]string
	lifetime time.Duration
	more     map[string]any
	keys     []issuerKey // the newest last, which signs
	named    int
	issued   int
	asked    int
}

type issuerKey struct {
	private   crypto.Signer
	algorithm jose.SignatureAlgorithm
	id        string
}

// IssuerAudience is the audience of an Issuer's tokens.
const IssuerAudience = "kafka"

// issuerKeys is how many keys an issuer publishes: that which signs, and the one before.
const issuerKeys = 2

// StartIssuer starts an issuer with clients, whose secrets are those of the map, and whose names become the subjects.
func StartIssuer(t testing.TB, clients map[string]string) *Issuer {
	t.Helper()
	i := &Issuer{clients: maps.Clone(clients), lifetime: time.Hour}
	i.Rotate(t)
	routes := http.NewServeMux()
	routes.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	routes.HandleFunc("GET /keys", i.publish)
	routes.HandleFunc("POST /token", i.grant)
	i.server = httptest.NewTLSServer(routes)
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL
	i.CA = filepath.Join(t.TempDir(), "issuer-ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
	if err := os.WriteFile(i.CA, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// KeysURL is where the keys are published.
func (i *Issuer) KeysURL() string { return i.URL + "/keys" }

// TokenURL is where tokens are given.
func (i *Issuer) TokenURL() string { return i.URL + "/token" }

// Rotate makes a new key, which signs from now on. The key before stays published, those before it do not. Kinds of keys alternate.
func (i *Issuer) Rotate(t testing.TB) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.named++
	k := issuerKey{id: fmt.Sprintf("key-%d", i.named), algorithm: jose.RS256}
	var err error
	if i.named%2 == 0 {
		k.algorithm = jose.ES256
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	i.keys = append(i.keys, k)
	i.keys = i.keys[max(0, len(i.keys)-issuerKeys):]
}

// SetLifetime says how long the tokens live that are given from now on.
func (i *Issuer) SetLifetime(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lifetime = d
}

// SetClaims says which claims the tokens have beside the usual ones, such as groups.
func (i *Issuer) SetClaims(claims map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.more = maps.Clone(claims)
}

// Issued is how many tokens were given.
func (i *Issuer) Issued() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued
}

// Asked is how often the keys were asked for.
func (i *Issuer) Asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// Token makes a token for a subject, with changed claims; a nil value takes a claim away.
func (i *Issuer) Token(t testing.TB, subject string, changes map[string]any) string {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	text, err := i.sign(subject, changes)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// PublicKey is the key that verifies tokens that are given now, with its id.
func (i *Issuer) PublicKey() (public crypto.PublicKey, id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	k := i.keys[len(i.keys)-1]
	return k.private.Public(), k.id
}

// sign makes a token. The caller holds i.mu.
func (i *Issuer) sign(subject string, changes map[string]any) (string, error) {
	now := time.Now()
	claims := map[string]any{
		"iss": i.URL, "aud": IssuerAudience, "sub": subject, "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(i.lifetime).Unix(), "scope": "kafka",
	}
	maps.Copy(claims, i.more)
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("claims of a token: %w", err)
	}
	k := i.keys[len(i.keys)-1]
	options := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: k.private}, options)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed.CompactSerialize()
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": i.URL, "jwks_uri": i.KeysURL(), "token_endpoint": i.TokenURL(),
		"grant_types_supported":                 []string{"client_credentials"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	})
}

func (i *Issuer) publish(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	set := jose.JSONWebKeySet{}
	for _, k := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.algorithm), Use: "sig"})
	}
	answer(w, http.StatusOK, set)
}

// grant gives a token to a client with the right secret (RFC 6749 section 4.4).
func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) {
	client, secret, basic := r.BasicAuth()
	if !basic {
		client, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if known, found := i.clients[client]; !found || known != secret {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if grant := r.PostFormValue("grant_type"); grant != "client_credentials" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"})
		return
	}
	token, err := i.sign(client, nil)
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
		return
	}
	i.issued++
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(i.lifetime.Seconds())})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone away needs no answer
}
