package rego_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
)

// keyPair are a private and a public key in PEM.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	open, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}))
}

// bundled is a bundle with a module, signed where there is a key.
func bundled(t *testing.T, source, private string) []byte {
	t.Helper()
	return packed(t, bundle.Bundle{
		Modules: []bundle.ModuleFile{{URL: "/p.rego", Path: "/p.rego", Raw: []byte(source)}},
		Data:    map[string]any{"owner": "alice"},
	}, private)
}

// packed is a bundle's file, signed where there is a key.
func packed(t *testing.T, b bundle.Bundle, private string) []byte {
	t.Helper()
	if private != "" {
		if err := b.GenerateSignature(bundle.NewSigningConfig(private, "ES256", ""), "policies", false); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBundle(t *testing.T) {
	private, public := keyPair(t)
	another, _ := keyPair(t)
	const (
		old = "package kafka.authz\nallow { data.owner == input.requestContext.principal.name }"
		new = "package kafka.authz\nallow if data.owner == input.requestContext.principal.name"
	)
	altered := bundled(t, old, private)
	altered[len(altered)/2] ^= 1
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	for range 40 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		taken   bool
	}{
		"signed, version 0":         {bundled(t, old, private), true},
		"signed, version 1":         {bundled(t, new, private), true},
		"not signed":                {bundled(t, old, ""), false},
		"signed by another":         {bundled(t, old, another), false},
		"altered":                   {altered, false},
		"cut":                       {bundled(t, old, private)[:100], false},
		"large when it is unpacked": {bomb.Bytes(), false},
		"empty":                     {nil, false},
	} {
		source, err := rego.Bundle(fstest.MapFS{"b.tar.gz": {Data: c.content}}, "b.tar.gz", []byte(public))
		if err != nil {
			t.Fatal(err)
		}
		s := newSetup(t, nil)
		s.config.Source = source
		engine, err := rego.New(context.Background(), s.config)
		if (err == nil) != c.taken {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: engine})
		if !may(a) || a.Pin().Decide(subject("bob"), authz.Read, topic("t")).Allowed {
			t.Errorf("%s: decides otherwise", name)
		}
	}
}

func TestBundlesNeedAKey(t *testing.T) {
	private, _ := keyPair(t)
	for name, key := range map[string]string{"none": "", "no PEM": "key", "a private one": private} {
		if _, err := rego.Bundle(fstest.MapFS{}, "b.tar.gz", []byte(key)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
