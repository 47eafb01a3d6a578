package tls

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testTime is when the certificates in testdata, which keytool and openssl made, are valid.
func testTime() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }

func stored(name string) string { return filepath.Join("testdata", name) }

// TestStores loads what Java 17's keytool and OpenSSL 3 write.
func TestStores(t *testing.T) {
	const store, key = "storesecret", "keysecret"
	for _, c := range []struct {
		name  string
		store KeyStore
		owner string
	}{
		{"JKS", KeyStore{Type: "JKS", Location: stored("server.jks"), Password: store, KeyPassword: key}, "CN=keytool,O=Test"},
		{"PKCS12", KeyStore{Type: "PKCS12", Location: stored("server.p12"), Password: store}, "CN=keytool-p12,O=Test"},
		{"PKCS12 called JKS", KeyStore{Location: stored("server.p12"), Password: store}, "CN=keytool-p12,O=Test"},
		{"encrypted PEM, AES-256", KeyStore{Type: "PEM", Location: stored("encrypted-sha256.pem"), KeyPassword: key}, "CN=openssl"},
		{"encrypted PEM, AES-128", KeyStore{Type: "PEM", Location: stored("encrypted-sha512.pem"), KeyPassword: key}, "CN=openssl"},
	} {
		r, err := Load(Config{KeyStore: c.store, ClientAuth: None, Clock: testTime})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := r.current.Load().config.Certificates[0].Leaf.Subject.String(); got != c.owner {
			t.Errorf("%s: certificate of %s, want %s", c.name, got, c.owner)
		}
		if r.Stats().NotAfter.Before(testTime()) {
			t.Errorf("%s: ends at %s", c.name, r.Stats().NotAfter)
		}
	}
}

func TestTrustStores(t *testing.T) {
	keys := KeyStore{Type: "PKCS12", Location: stored("server.p12"), Password: "storesecret"}
	for _, trust := range []TrustStore{
		{Type: "JKS", Location: stored("trust.jks"), Password: "storesecret"},
		{Type: "PKCS12", Location: stored("trust.p12"), Password: "storesecret"},
		{Location: stored("trust.p12"), Password: "storesecret"},
		{Type: "PEM", Location: stored("encrypted-sha256.pem")},
	} {
		r, err := Load(Config{KeyStore: keys, TrustStore: trust, ClientAuth: Required, Clock: testTime})
		if err != nil {
			t.Errorf("%s: %v", trust.Location, err)
			continue
		}
		if r.current.Load().config.ClientCAs == nil {
			t.Errorf("%s: nobody is trusted", trust.Location)
		}
	}
}

func TestStoresRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const wrong = "wrongsecret"
	for name, store := range map[string]KeyStore{
		"JKS, wrong password":     {Type: "JKS", Location: stored("server.jks"), Password: wrong},
		"JKS, wrong key password": {Type: "JKS", Location: stored("server.jks"), Password: "storesecret", KeyPassword: wrong},
		"JKS, no key password":    {Type: "JKS", Location: stored("server.jks"), Password: "storesecret"},
		"JKS without keys":        {Type: "JKS", Location: stored("trust.jks"), Password: "storesecret"},
		"PKCS12, wrong password":  {Type: "PKCS12", Location: stored("server.p12"), Password: wrong},
		"PKCS12 without keys":     {Type: "PKCS12", Location: stored("trust.p12"), Password: "storesecret"},
		"PEM called PKCS12":       {Type: "PKCS12", Location: stored("encrypted-sha256.pem"), Password: wrong},
		"PKCS12 called PEM":       {Type: "PEM", Location: stored("server.p12")},
		"PEM, wrong password":     {Type: "PEM", Location: stored("encrypted-sha256.pem"), KeyPassword: wrong},
		"PEM, no password":        {Type: "PEM", Location: stored("encrypted-sha256.pem")},
		"PEM, triple DES":         {Type: "PEM", Location: stored("encrypted-des3.pem"), KeyPassword: "keysecret"},
		"PEM, old encryption":     {Type: "PEM", Location: stored("encrypted-old.pem"), KeyPassword: "keysecret"},
		"empty PEM":               {Type: "PEM", Location: empty},
		"empty JKS":               {Type: "JKS", Location: empty},
	} {
		_, err := Load(Config{KeyStore: store, ClientAuth: None, Clock: testTime})
		if !errors.Is(err, ErrBadStore) || !strings.Contains(err.Error(), store.Location) {
			t.Errorf("%s: %v, want an ErrBadStore that names the file", name, err)
			continue
		}
		if strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	keys := KeyStore{Type: "PKCS12", Location: stored("server.p12"), Password: "storesecret"}
	for name, trust := range map[string]TrustStore{
		"JKS, wrong password":    {Type: "JKS", Location: stored("trust.jks"), Password: wrong},
		"JKS with keys alone":    {Type: "JKS", Location: stored("server.jks"), Password: "storesecret"},
		"PKCS12, wrong password": {Type: "PKCS12", Location: stored("trust.p12"), Password: wrong},
		"PKCS12 with a key":      {Type: "PKCS12", Location: stored("server.p12"), Password: "storesecret"},
		"empty PEM":              {Type: "PEM", Location: empty},
		"empty PKCS12":           {Type: "PKCS12", Location: empty},
		"no certificate in line": {Type: "PEM", Certificates: "none"},
	} {
		if _, err := Load(Config{KeyStore: keys, TrustStore: trust, ClientAuth: Required, Clock: testTime}); !errors.Is(err, ErrBadStore) {
			t.Errorf("trust %s: %v, want ErrBadStore", name, err)
		}
	}
}

func TestStoreTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, make([]byte, maxStoreBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Config{KeyStore: KeyStore{Location: path}, ClientAuth: None}); !errors.Is(err, ErrBadStore) {
		t.Errorf("%v, want ErrBadStore", err)
	}
}
