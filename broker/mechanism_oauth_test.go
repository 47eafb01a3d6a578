package broker

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/server"
)

// keyServer serves one key over TLS, and at /moved sends elsewhere for it. It returns the address, the file of its authority, and what
// makes tokens.
func keyServer(t *testing.T) (address, authority string, sign func(subject string) string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k"}}})
	})
	routes.Handle("/moved", http.RedirectHandler("/keys", http.StatusFound))
	s := httptest.NewTLSServer(routes)
	t.Cleanup(s.Close)
	authority = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: "k"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.URL, authority, func(subject string) string {
		now := time.Now().Unix()
		payload, err := json.Marshal(map[string]any{"iss": "i", "aud": "a", "sub": subject, "iat": now, "exp": now + 60})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

func signedTokens(keys, authority string) *config.OAuth {
	return &config.OAuth{
		KeysURL: keys, Refresh: time.Hour, Backoff: time.Hour, BackoffMax: time.Hour, Issuer: "i", Audiences: []string{"a"},
		SubjectClaim: "sub", ScopeClaim: "scope", GroupsClaim: "groups", TrustStore: config.TrustStore{Type: "PEM", Location: authority},
	}
}

// bearerOf makes the mechanism of a configuration, and keeps its keys until the test ends.
func bearerOf(t *testing.T, c *config.OAuth) auth.Mechanism {
	t.Helper()
	o, err := oauthOf(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m, err := oauthMechanism(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.(keeper).Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-ended })
	return m
}

func logInBy(t *testing.T, m auth.Mechanism, token string) (*auth.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, outcome, err := m.Start().Step(ctx, []byte("n,,\x01auth=Bearer "+token+"\x01\x01"))
	return outcome, err
}

func TestKeysComeOverVerifiedTLSAlone(t *testing.T) {
	address, authority, sign := keyServer(t)
	good := bearerOf(t, signedTokens(address+"/keys", authority))
	if outcome, err := logInBy(t, good, sign("alice")); err != nil || outcome.Principal != auth.User("alice") {
		t.Errorf("%+v, %v", outcome, err)
	}
	for name, c := range map[string]*config.OAuth{
		"another authority": {}, "another place": signedTokens(address+"/moved", authority), "no such place": signedTokens(address+"/none", authority),
	} {
		if c.KeysURL == "" {
			*c = *signedTokens(address+"/keys", "")
		}
		if outcome, err := logInBy(t, bearerOf(t, c), sign("alice")); err == nil {
			t.Errorf("%s: %+v", name, outcome)
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newIssuerMetrics([]server.Listener{{Name: "IN", Mechanisms: []auth.Mechanism{good}}, {Name: "OUT"}}))
	got := metricsOf(t, registry)
	if got["chronik_issuer_keys IN"] != 1 || got["chronik_issuer_key_reads_total IN"] < 1 || got["chronik_issuer_failed_key_reads_total IN"] != 0 ||
		got["chronik_issuer_keys_refreshed_timestamp_seconds IN"] < 1 || len(got) != 4 {
		t.Errorf("metrics: %v", got)
	}
}

func TestABearerConfigurationIsCheckedBeforeTheStart(t *testing.T) {
	for name, c := range map[string]*config.OAuth{
		"no TLS": signedTokens("http://issuer.example/keys", ""), "no address": signedTokens("", ""), "no store": signedTokens("https://issuer.example/keys", "/nonexistent"),
	} {
		if o, err := oauthOf(c, slog.New(slog.DiscardHandler)); err == nil || o != nil {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
	}
	o, err := oauthOf(signedTokens("file:/nonexistent", ""), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := oauthMechanism(o); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("keys in a file that is not there: %v, %v", m, err)
	}
}

func TestUnsecuredTokensAreNoSignedOnes(t *testing.T) {
	_, _, sign := keyServer(t)
	m := bearerOf(t, &config.OAuth{GroupsClaim: "groups", Unsecured: &config.UnsecuredTokens{PrincipalClaim: "name", ScopeClaim: "scope"}})
	if outcome, err := logInBy(t, m, sign("alice")); err == nil {
		t.Errorf("%+v", outcome)
	}
	const unsigned = "eyJhbGciOiJub25lIn0.eyJuYW1lIjoiZGV2IiwiZXhwIjo0ZTl9." // {"alg":"none"} {"name":"dev","exp":4e9}
	if outcome, err := logInBy(t, m, unsigned); err != nil || outcome.Principal != auth.User("dev") {
		t.Errorf("%+v, %v", outcome, err)
	}
}
