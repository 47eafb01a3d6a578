package tls

import (
	"bytes"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// forClients is a template's change that makes a client's certificate, and then what a test wants.
func forClients(also func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		also(c)
	}
}

// TestHostileCertificates: whatever is wrong with a client's certificate is a failed log-in, and told to the client as one.
func TestHostileCertificates(t *testing.T) {
	s := newSite(t, func(cfg *Config) { cfg.RevocationLists = nil })
	good := s.root.issue("good", nil)
	flipped := func(at int) stdtls.Certificate {
		der := bytes.Clone(good.cert.Raw)
		der[at] ^= 1
		return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: good.key}
	}
	raw := func(der []byte) stdtls.Certificate {
		return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: good.key}
	}
	issued := func(change func(*x509.Certificate)) stdtls.Certificate {
		return s.root.issue("bad", forClients(change)).chain()
	}
	narrow := s.root.issue("narrow", func(c *x509.Certificate) {
		authorityOf(c)
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"good.example"}
	})
	short := s.root.issue("short", func(c *x509.Certificate) { authorityOf(c); c.MaxPathLenZero = true })
	stolen := good.chain()
	stolen.PrivateKey = s.root.issue("thief", nil).key
	for name, pair := range map[string]stdtls.Certificate{
		"expired":                       issued(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"not valid yet":                 issued(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }),
		"of another authority":          newAuthority(t, "root").issue("bad", nil).chain(),
		"signed by itself":              (&signer{t: t}).issue("bad", nil).chain(),
		"for servers alone":             issued(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		"with a name that is forbidden": narrow.issue("bad", forClients(func(c *x509.Certificate) { c.DNSNames = []string{"evil.example"} })).chain(),
		"below too short a path":        short.issue("below", authorityOf).issue("bad", nil).chain(),
		"signed by a client":            good.issue("bad", nil).chain(),
		"without its key":               stolen,
		"truncated":                     raw(good.cert.Raw[:len(good.cert.Raw)-1]),
		"cut in half":                   raw(good.cert.Raw[:len(good.cert.Raw)/2]),
		"one byte":                      raw([]byte{0x30}),
		"no certificate":                raw([]byte("hello")),
		"with a byte after it":          raw(append(bytes.Clone(good.cert.Raw), 0)),
		"flipped in its signature":      flipped(len(good.cert.Raw) - 3),
		"flipped in its subject":        flipped(bytes.LastIndex(good.cert.Raw, []byte("good"))),
		"flipped in its length":         flipped(3),
		"none":                          {},
	} {
		for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
			client := s.client(good)
			client.MinVersion, client.MaxVersion = version, version
			client.GetClientCertificate = func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) { return &pair, nil }
			_, _, err, clientErr := handshake(t, s.reloader, client)
			var refused *ClientCertificateError
			if !errors.As(err, &refused) || !refused.ClientCertificateRefused() || clientErr == nil {
				t.Errorf("%s, %s: %v; the client: %v", name, stdtls.VersionName(version), err, clientErr)
			}
		}
	}
	if err := s.try(good); err != nil {
		t.Errorf("the good one: %v", err)
	}
	within := narrow.issue("within", forClients(func(c *x509.Certificate) { c.DNSNames = []string{"a.good.example"} }))
	if err := s.try(within); err != nil {
		t.Errorf("a name that is permitted: %v", err)
	}
}

// TestManyNames: a certificate with thousands of names costs little and leaves few behind; one that is larger than any is cut off.
func TestManyNames(t *testing.T) {
	s := newSite(t, func(cfg *Config) { cfg.RevocationLists = nil })
	names := func(n int) *signer {
		return s.root.issue("many", forClients(func(c *x509.Certificate) {
			for i := range n {
				c.DNSNames = append(c.DNSNames, fmt.Sprintf("name-%d.example.org", i))
			}
		}))
	}
	server, _, err, _ := handshake(t, s.reloader, s.client(names(5000)))
	if err != nil {
		t.Fatal(err)
	}
	if c := auth.NewCertificate(server.PeerCertificates()); len(c.DNSNames) != auth.MaxAlternativeNames || c.DNSNames[0] != "name-0.example.org" {
		t.Errorf("%d names are kept", len(c.DNSNames))
	}
	if err := s.try(names(20000)); err == nil {
		t.Error("a certificate of half a MiB is taken")
	}
}

// TestLongSubjectsAreNotToldInWords: the text of a subject of many parts takes seconds to make, and a stranger's certificate may have one.
func TestLongSubjectsAreNotToldInWords(t *testing.T) {
	s := newSite(t, func(cfg *Config) { cfg.RevocationLists = nil })
	var parts pkix.RDNSequence
	for range 20000 {
		parts = append(parts, pkix.RelativeDistinguishedNameSET{{Type: asn1.ObjectIdentifier{2, 5, 4, 100}, Value: "a"}})
	}
	subject, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	stranger := newAuthority(t, "root").issue("", forClients(func(c *x509.Certificate) { c.RawSubject = subject }))
	_, _, err, _ = handshake(t, s.reloader, s.client(stranger))
	var refused *ClientCertificateError
	if !errors.As(err, &refused) {
		t.Fatalf("it was refused as %v", err)
	}
	if text := refused.ClaimedSubject(); text != fmt.Sprintf("a subject of %d bytes", len(subject)) {
		t.Errorf("%d bytes: %.100s", len(text), text)
	}
}

// TestClientsRefuseTheWrongServer: it is the client who finds out, and no failed log-in.
func TestClientsRefuseTheWrongServer(t *testing.T) {
	s := newSite(t, func(cfg *Config) { cfg.RevocationLists = nil })
	good := s.root.issue("good", nil)
	for name, change := range map[string]func(*stdtls.Config){
		"another host":      func(c *stdtls.Config) { c.ServerName = "other.example" },
		"another authority": func(c *stdtls.Config) { c.RootCAs = x509.NewCertPool() },
		"in two days":       func(c *stdtls.Config) { c.Time = func() time.Time { return time.Now().Add(48 * time.Hour) } },
	} {
		client := s.client(good)
		change(client)
		_, _, err, clientErr := handshake(t, s.reloader, client)
		var refused *ClientCertificateError
		var verification *stdtls.CertificateVerificationError
		if !errors.As(clientErr, &verification) || err == nil || errors.As(err, &refused) {
			t.Errorf("%s: the client says %v, the server %v", name, clientErr, err)
		}
	}
}
