package tls

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func TestClientsTrustTheirStoreAlone(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	trusted := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(trusted), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(s TrustStore) error {
		cfg, err := s.ClientConfig()
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}
		response, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err == nil {
			err = response.Body.Close()
		}
		return err
	}
	for _, s := range []TrustStore{{Type: "PEM", Location: file}, {Type: "PEM", Certificates: trusted}} {
		if err := ask(s); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if err := ask(TrustStore{}); err == nil {
		t.Error("the system's authorities have signed a certificate of the test")
	}
}

func TestBadClientStores(t *testing.T) {
	for name, s := range map[string]TrustStore{
		"two": {Type: "PEM", Location: "/a", Certificates: "b"}, "type": {Type: "X", Location: "/a"}, "file": {Type: "PEM", Location: "/nonexistent"},
		"empty": {Type: "PEM", Certificates: "none"}, "password": {Type: "PEM", Location: "/a", Password: "p"},
	} {
		if cfg, err := s.ClientConfig(); err == nil || cfg != nil {
			t.Errorf("%s: %v", name, errors.Unwrap(err))
		}
	}
}

// TestClientShowsItsCertificate: to a server that insists on one.
func TestClientShowsItsCertificate(t *testing.T) {
	paths := pki(t)
	server := load(t, serverConfig(paths, Required))
	trust := TrustStore{Type: "PEM", Location: paths.CA}
	with, err := trust.ClientConfigWith(KeyStore{Type: "PEM", Location: paths.ClientKeyStore})
	if err != nil {
		t.Fatal(err)
	}
	with.ServerName = "localhost"
	if _, _, serverErr, clientErr := handshake(t, server, with); serverErr != nil || clientErr != nil {
		t.Errorf("with a certificate: %v, %v", serverErr, clientErr)
	}
	without, err := trust.ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	without.ServerName = "localhost"
	if _, _, serverErr, _ := handshake(t, server, without); serverErr == nil {
		t.Error("a client without a certificate is let in")
	}
	for name, k := range map[string]KeyStore{"none": {Type: "PEM"}, "no file": {Type: "PEM", Location: "/nonexistent"}} {
		if _, err := trust.ClientConfigWith(k); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}
