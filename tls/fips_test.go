package tls

import (
	stdtls "crypto/tls"
	"errors"
	"strings"
	"testing"
)

// TestWhatFIPSDoesNotHave is refused at the start, with what to use instead.
func TestWhatFIPSDoesNotHave(t *testing.T) {
	paths := pki(t)
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"key store":   {func(c *Config) { c.KeyStore.Type = "PKCS12" }, "ssl.keystore.type is PKCS12, whose passwords and checksums are made with SHA-1; use PEM"},
		"trust store": {func(c *Config) { c.TrustStore.Type = "JKS" }, "ssl.truststore.type is JKS"},
		"suite": {
			func(c *Config) { c.CipherSuites = []string{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"} },
			"use suites with AES and GCM",
		},
		"suite of TLS 1.3": {func(c *Config) { c.CipherSuites = suitesOfTLS13(false) }, "TLS_CHACHA20_POLY1305_SHA256"},
	} {
		cfg := serverConfig(paths, None)
		cfg.FIPS = true
		c.change(&cfg)
		if _, err := Load(cfg); !errors.Is(err, ErrNotFIPS) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	cfg := serverConfig(paths, None)
	cfg.FIPS, cfg.CipherSuites = true, suitesOfTLS13(true)
	if _, err := Load(cfg); err != nil || len(cfg.CipherSuites) != 2 {
		t.Errorf("the suites of TLS 1.3 with AES, %v: %v", cfg.CipherSuites, err)
	}
}

// TestPostQuantumIsRequired: who offers no hybrid with ML-KEM is refused, and the log says what was offered.
func TestPostQuantumIsRequired(t *testing.T) {
	paths := pki(t)
	cfg := serverConfig(paths, None)
	cfg.PostQuantum = true
	server := load(t, cfg)
	for name, c := range map[string]struct {
		groups  []stdtls.CurveID
		version uint16
		want    string // "" where it is let in
	}{
		"all":             {nil, 0, ""},
		"P-256 hybrid":    {[]stdtls.CurveID{stdtls.CurveP256, stdtls.SecP256r1MLKEM768}, 0, ""},
		"no hybrid":       {[]stdtls.CurveID{stdtls.CurveP384, stdtls.CurveP256}, 0, "offers TLSv1.3, TLSv1.2, secp256r1, secp384r1"},
		"an old protocol": {nil, stdtls.VersionTLS12, "offers TLSv1.2, "},
	} {
		client := clientConfig(t, paths, nil)
		client.CurvePreferences, client.MaxVersion = c.groups, c.version
		conn, _, serverErr, clientErr := handshake(t, server, client)
		if c.want == "" {
			if serverErr != nil || clientErr != nil {
				t.Errorf("%s: %v, %v", name, serverErr, clientErr)
			} else if _, _, _, pq := conn.Negotiated(); !pq {
				t.Errorf("%s: not post-quantum", name)
			}
			continue
		}
		var refused *RequirementError
		if clientErr == nil || !errors.As(serverErr, &refused) || refused.RequirementRefused() != "pq" || !strings.Contains(serverErr.Error(), c.want) {
			t.Errorf("%s: %v, want %q; the client: %v", name, serverErr, c.want, clientErr)
		}
	}
	cfg.EnabledProtocols = []string{"TLSv1.2"}
	if _, err := Load(cfg); !errors.Is(err, ErrBadConfig) {
		t.Errorf("without TLS 1.3: %v", err)
	}
}

// TestOtherFailuresAreNoRequirement: neither what is no TLS nor a failure of a listener that requires nothing.
func TestOtherFailuresAreNoRequirement(t *testing.T) {
	paths := pki(t)
	client := clientConfig(t, paths, nil)
	client.RootCAs = nil
	cfg := serverConfig(paths, None)
	cfg.PostQuantum = true
	var refused *RequirementError
	if _, _, serverErr, _ := handshake(t, load(t, cfg), client); serverErr == nil || errors.As(serverErr, &refused) {
		t.Errorf("a client that does not trust the server: %v", serverErr)
	}
	old := clientConfig(t, paths, nil)
	old.MaxVersion = stdtls.VersionTLS12
	cfg = serverConfig(paths, None)
	cfg.EnabledProtocols = []string{"TLSv1.3"}
	if _, _, serverErr, _ := handshake(t, load(t, cfg), old); serverErr == nil || errors.As(serverErr, &refused) {
		t.Errorf("TLS 1.2 where nothing is required: %v", serverErr)
	}
}
