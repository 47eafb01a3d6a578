package tls

import (
	stdtls "crypto/tls"
	"errors"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	const v12, v13 = stdtls.VersionTLS12, stdtls.VersionTLS13
	modern := []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
	old := "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
	const strong = 6 // ECDHE by ECDSA and RSA, with AES-128 and AES-256 in GCM and ChaCha20
	for _, c := range []struct {
		name     string
		cfg      Config
		min, max uint16
		suites   int
	}{
		{"nothing", Config{}, v12, v13, strong},
		{"TLS", Config{Protocol: "TLS"}, v12, v13, strong},
		{"protocol 1.2", Config{Protocol: "TLSv1.2"}, v12, v12, strong},
		{"protocol 1.3", Config{Protocol: "TLSv1.3"}, v12, v13, strong},
		{"enabled 1.3", Config{EnabledProtocols: []string{"TLSv1.3"}, Protocol: "TLSv1.2"}, v13, v13, strong},
		{"enabled both", Config{EnabledProtocols: []string{"TLSv1.3", "TLSv1.2"}}, v12, v13, strong},
		{"old suite alone", Config{CipherSuites: []string{old}}, v12, v12, 1},
		{"new suites alone", Config{CipherSuites: modern}, v13, v13, 0},
		{"both", Config{CipherSuites: append([]string{old}, modern...)}, v12, v13, 1},
	} {
		c.cfg.ClientAuth = None
		got, err := c.cfg.settings()
		if err != nil || got.min != c.min || got.max != c.max || len(got.suites) != c.suites {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	pem := KeyStore{Type: "PEM", Location: "x"}
	trust := TrustStore{Type: "PEM", Location: "x"}
	for _, c := range []struct {
		names string // what the error must name
		cfg   Config
	}{
		{"ssl.client.auth", Config{KeyStore: pem}},
		{"ssl.truststore.location", Config{KeyStore: pem, ClientAuth: Required}},
		{"ssl.truststore.location", Config{KeyStore: pem, ClientAuth: Requested}},
		{`"TLSv1.1"`, Config{KeyStore: pem, ClientAuth: None, EnabledProtocols: []string{"TLSv1.2", "TLSv1.1"}}},
		{`"SSLv3"`, Config{KeyStore: pem, ClientAuth: None, Protocol: "SSLv3"}},
		{`"TLS_FOO"`, Config{KeyStore: pem, ClientAuth: None, CipherSuites: []string{"TLS_FOO"}}},
		{"TLS_RSA_WITH_RC4_128_SHA", Config{KeyStore: pem, ClientAuth: None, CipherSuites: []string{"TLS_RSA_WITH_RC4_128_SHA"}}},
		{"TLS_AES_256_GCM_SHA384", Config{KeyStore: pem, ClientAuth: None, CipherSuites: []string{"TLS_AES_256_GCM_SHA384"}}},
		{"ssl.cipher.suites", Config{
			KeyStore: pem, ClientAuth: None, EnabledProtocols: []string{"TLSv1.3"},
			CipherSuites: []string{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
		}},
		{"ssl.keystore.location", Config{ClientAuth: None}},
		{"ssl.keystore.location", Config{ClientAuth: None, KeyStore: KeyStore{Type: "PEM", Location: "x", Key: "k"}}},
		{"ssl.keystore.certificate.chain", Config{ClientAuth: None, KeyStore: KeyStore{Type: "PEM", Key: "k"}}},
		{"ssl.keystore.type", Config{ClientAuth: None, KeyStore: KeyStore{Type: "JKS", Key: "k", CertificateChain: "c"}}},
		{"ssl.keystore.type", Config{ClientAuth: None, KeyStore: KeyStore{Type: "BKS", Location: "x"}}},
		{"ssl.keystore.password", Config{ClientAuth: None, KeyStore: KeyStore{Type: "PEM", Location: "x", Password: "p"}}},
		{"ssl.truststore.type", Config{ClientAuth: None, KeyStore: pem, TrustStore: TrustStore{Type: "BKS", Location: "x"}}},
		{"ssl.truststore.type", Config{ClientAuth: None, KeyStore: pem, TrustStore: TrustStore{Certificates: "c"}}},
		{"ssl.truststore.certificates", Config{ClientAuth: None, KeyStore: pem, TrustStore: TrustStore{Type: "PEM", Location: "x", Certificates: "c"}}},
		{"ssl.truststore.password", Config{ClientAuth: None, KeyStore: pem, TrustStore: TrustStore{Type: "PEM", Location: "x", Password: "p"}}},
	} {
		_, err := Load(c.cfg)
		if !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%v, want an ErrBadConfig that names %s", err, c.names)
		}
	}
	if _, err := Load(Config{KeyStore: pem, TrustStore: trust, ClientAuth: Required}); err == nil {
		t.Error("files that are not there load")
	}
}

func TestParseClientAuth(t *testing.T) {
	for s, want := range map[string]ClientAuth{"none": None, "requested": Requested, "REQUIRED": Required} {
		if got, err := ParseClientAuth(s); got != want || err != nil {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if got, err := ParseClientAuth("maybe"); got != 0 || !errors.Is(err, ErrBadConfig) {
		t.Errorf("maybe: %v, %v", got, err)
	}
}
