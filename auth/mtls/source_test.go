package mtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// san is one alternative name: its kind (the tag of GeneralName) and its bytes.
type san struct {
	tag  int
	text string
}

func uri(s string) san   { return san{6, s} }
func dns(s string) san   { return san{2, s} }
func email(s string) san { return san{1, s} }

// withNames makes a certificate with alternative names, as they are, and parses it.
func withNames(t testing.TB, change func(*x509.Certificate), names ...san) (*x509.Certificate, error) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the subject"}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if len(names) > 0 {
		var values []asn1.RawValue
		for _, n := range names {
			values = append(values, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: n.tag, Bytes: []byte(n.text)})
		}
		der, err := asn1.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der}}
	}
	if change != nil {
		change(template)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return x509.ParseCertificate(der)
}

func TestPrincipalsFromAlternativeNames(t *testing.T) {
	id := uri("spiffe://example.org/billing/api")
	authority := func(c *x509.Certificate) { c.IsCA = true }
	signer := func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }
	long := "spiffe://example.org/" + strings.Repeat("x", maxSPIFFEBytes)
	for _, c := range []struct {
		name   string
		source Source
		change func(*x509.Certificate)
		sans   []san
		want   string // "" where it is refused
		err    error
	}{
		{"a SPIFFE ID", URI, nil, []san{id}, "spiffe://example.org/billing/api", nil},
		{"a SPIFFE ID among other names", URI, nil, []san{dns("a.example"), id, email("a@b.example")}, "spiffe://example.org/billing/api", nil},
		{"no names", URI, nil, nil, "", ErrAmbiguous},
		{"no URI", URI, nil, []san{dns("a.example")}, "", ErrAmbiguous},
		{"two SPIFFE IDs", URI, nil, []san{id, uri("spiffe://example.org/other")}, "", ErrAmbiguous},
		{"the same SPIFFE ID twice", URI, nil, []san{id, id}, "", ErrAmbiguous},
		{"a SPIFFE ID and another URI", URI, nil, []san{id, uri("https://example.org/")}, "", ErrAmbiguous},
		{"another scheme", URI, nil, []san{uri("https://example.org/billing")}, "", ErrBadAlternativeName},
		{"scheme in upper case", URI, nil, []san{uri("SPIFFE://example.org/billing")}, "", ErrBadAlternativeName},
		{"trust domain in upper case", URI, nil, []san{uri("spiffe://Example.org/billing")}, "", ErrBadAlternativeName},
		{"no path", URI, nil, []san{uri("spiffe://example.org")}, "", ErrBadAlternativeName},
		{"an empty path", URI, nil, []san{uri("spiffe://example.org/")}, "", ErrBadAlternativeName},
		{"an empty segment", URI, nil, []san{uri("spiffe://example.org/a//b")}, "", ErrBadAlternativeName},
		{"a slash at the end", URI, nil, []san{uri("spiffe://example.org/a/")}, "", ErrBadAlternativeName},
		{"a way up", URI, nil, []san{uri("spiffe://example.org/a/../b")}, "", ErrBadAlternativeName},
		{"percent-encoding", URI, nil, []san{uri("spiffe://example.org/a%2fb")}, "", ErrBadAlternativeName},
		{"a port", URI, nil, []san{uri("spiffe://example.org:443/a")}, "", ErrBadAlternativeName},
		{"user information", URI, nil, []san{uri("spiffe://a@example.org/a")}, "", ErrBadAlternativeName},
		{"a query", URI, nil, []san{uri("spiffe://example.org/a?b")}, "", ErrBadAlternativeName},
		{"a fragment", URI, nil, []san{uri("spiffe://example.org/a#b")}, "", ErrBadAlternativeName},
		{"no trust domain", URI, nil, []san{uri("spiffe:///a")}, "", ErrBadAlternativeName},
		{"too long", URI, nil, []san{uri(long)}, "", ErrBadAlternativeName},
		{"an authority", URI, authority, []san{id}, "", ErrBadAlternativeName},
		{"a signer", URI, signer, []san{id}, "", ErrBadAlternativeName},
		{"a DNS name", DNS, nil, []san{dns("Broker-1.Example.org"), id}, "broker-1.example.org", nil},
		{"two DNS names", DNS, nil, []san{dns("a.example"), dns("b.example")}, "", ErrAmbiguous},
		{"no DNS name", DNS, nil, []san{id}, "", ErrAmbiguous},
		{"a wildcard", DNS, nil, []san{dns("*.example.org")}, "", ErrBadAlternativeName},
		{"a dot at the end", DNS, nil, []san{dns("a.example.")}, "", ErrBadAlternativeName},
		{"NUL within", DNS, nil, []san{dns("a.example\x00.evil.example")}, "", ErrBadAlternativeName},
		{"an email address", Email, nil, []san{email("Ann.B+c@Example.ORG")}, "Ann.B+c@example.org", nil},
		{"two email addresses", Email, nil, []san{email("a@b.example"), email("c@d.example")}, "", ErrAmbiguous},
		{"no @", Email, nil, []san{email("b.example")}, "", ErrBadAlternativeName},
		{"two @", Email, nil, []san{email("a@b@c.example")}, "", ErrBadAlternativeName},
		{"a quoted name", Email, nil, []san{email(`"a b"@c.example`)}, "", ErrBadAlternativeName},
		{"the subject all the same", Subject, nil, []san{id}, "CN=the subject", nil},
	} {
		cert, err := withNames(t, c.change, c.sans...)
		if err != nil && c.want == "" {
			continue // crypto/x509 refuses it already
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		m, err := New(c.source, DefaultRules)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Principal(cert)
		want := auth.Principal{}
		if c.want != "" {
			want = auth.User(c.want)
		}
		if got != want || !errors.Is(err, c.err) || (err == nil) != (c.want != "") {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, want)
		}
	}
}

func TestRulesApplyToAlternativeNames(t *testing.T) {
	m, err := New(URI, `RULE:^spiffe:\/\/example\.org\/([a-z-]+)\/.*$/$1/U`)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]auth.Principal{
		"spiffe://example.org/billing/api": auth.User("BILLING"),
		"spiffe://evil.example/billing/a":  {},
	} {
		cert, err := withNames(t, nil, uri(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Principal(cert); got != want || (err == nil) == want.IsZero() {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// TestManyAlternativeNames: a certificate may hold thousands of names, and names nobody then.
func TestManyAlternativeNames(t *testing.T) {
	names := []san{uri("spiffe://example.org/a")}
	for range maxAlternativeNames {
		names = append(names, dns("a.example"))
	}
	cert, err := withNames(t, nil, names...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(URI, DefaultRules)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Principal(cert); !errors.Is(err, ErrBadAlternativeName) {
		t.Errorf("%v, %v", got, err)
	}
	if cert, err = withNames(t, nil, names[:maxAlternativeNames]...); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Principal(cert); err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestSources(t *testing.T) {
	for text, want := range map[string]Source{"dn": Subject, "URI": URI, "dns": DNS, "email": Email, "": 0, "cn": 0, "uri,dns": 0} {
		got, err := ParseSource(text)
		if got != want || (err != nil) != (want == 0) || err != nil && !errors.Is(err, ErrBadSource) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	if _, err := New(0, DefaultRules); !errors.Is(err, ErrBadSource) {
		t.Errorf("no source: %v", err)
	}
}

// FuzzCertificate gives the mapper whatever crypto/x509 takes for a certificate: it does not panic, and a principal that comes out has a
// name of the form that its source promises.
func FuzzCertificate(f *testing.F) {
	for _, names := range [][]san{nil, {uri("spiffe://example.org/a")}, {dns("a.example"), dns("*.b")}, {email("a@b.example"), {0, "x"}, {4, ""}, {7, "\x7f\x00\x00\x01"}}} {
		cert, err := withNames(f, nil, names...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(cert.Raw)
		f.Add(cert.Raw[:len(cert.Raw)/2])
	}
	mappers := map[Source]*Mapper{}
	for source := Subject; source <= Email; source++ {
		m, err := New(source, DefaultRules)
		if err != nil {
			f.Fatal(err)
		}
		mappers[source] = m
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			// What is no certificate may still be the alternative names of one.
			cert = &x509.Certificate{RawSubject: der, Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der}}}
		}
		for source, m := range mappers {
			p, err := m.Principal(cert)
			if err != nil {
				if !p.IsZero() {
					t.Fatalf("%v beside %v", p, err)
				}
				continue
			}
			if source == URI && !isSPIFFEID(p.Name) || source == DNS && !isHost(p.Name) || source == Email && strings.Count(p.Name, "@") != 1 {
				t.Fatalf("source %d gives %q", source, p.Name)
			}
		}
	})
}
