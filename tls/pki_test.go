package tls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// signer is a certificate with its key and the chain above it, made in memory.
type signer struct {
	t     testing.TB
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	above []*x509.Certificate
}

// newAuthority makes a root.
func newAuthority(t testing.TB, name string) *signer {
	t.Helper()
	return (&signer{t: t}).issue(name, func(c *x509.Certificate) { authorityOf(c) })
}

func authorityOf(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

// issue makes a certificate for a client, changed as the test wants it; one without a signer above signs itself.
func (s *signer) issue(name string, change func(*x509.Certificate)) *signer {
	s.t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change == nil {
		change = func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	}
	change(template)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	parent, by := template, key
	child := &signer{t: s.t, key: key}
	if s.cert != nil {
		parent, by = s.cert, s.key
		child.above = append([]*x509.Certificate{s.cert}, s.above...)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		s.t.Fatal(err)
	}
	if child.cert, err = x509.ParseCertificate(der); err != nil {
		s.t.Fatal(err)
	}
	return child
}

// chain is the certificate and those above it, without the root.
func (s *signer) chain() (chain stdtls.Certificate) {
	chain.Certificate = append(chain.Certificate, s.cert.Raw)
	for _, c := range s.above[:max(0, len(s.above)-1)] {
		chain.Certificate = append(chain.Certificate, c.Raw)
	}
	chain.PrivateKey = s.key
	return chain
}

// revokes makes a list of revoked certificates, in DER, that is good for an hour; change alters it before it is signed.
func (s *signer) revokes(change func(*x509.RevocationList), revoked ...*signer) []byte {
	s.t.Helper()
	now := time.Now().Truncate(time.Second)
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour)}
	for _, r := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: r.cert.SerialNumber, RevocationTime: now})
	}
	if change != nil {
		change(list)
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, s.cert, s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	return der
}

// asPEM writes certificates and keys one after the other.
func asPEM(t testing.TB, key *ecdsa.PrivateKey, certs ...*x509.Certificate) []byte {
	t.Helper()
	var out []byte
	if key != nil {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		out = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// site is a server whose clients have certificates of root or of what is below it.
type site struct {
	t            *testing.T
	root, issuer *signer
	server       *signer
	lists        string // the directory of revocation lists
	cfg          Config
	reloader     *Reloader
}

// newSite has a list of the root's and one of the issuer's, which name nobody.
func newSite(t *testing.T, change func(*Config), server ...func(*x509.Certificate)) *site {
	t.Helper()
	s := &site{t: t, root: newAuthority(t, "root"), lists: t.TempDir()}
	s.issuer = s.root.issue("issuer", authorityOf)
	s.server = s.root.issue("server", func(c *x509.Certificate) {
		c.DNSNames, c.ExtKeyUsage = []string{"localhost"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for _, also := range server {
			also(c)
		}
	})
	s.put("root.crl", s.root.revokes(nil))
	s.put("issuer.crl", s.issuer.revokes(nil))
	s.cfg = quiet(Config{
		KeyStore:   KeyStore{Type: "PEM", Location: s.file("server.pem", asPEM(t, s.server.key, s.server.cert, s.root.cert))},
		TrustStore: TrustStore{Type: "PEM", Location: s.file("trust.pem", asPEM(t, nil, s.root.cert))},
		ClientAuth: Required, RevocationLists: []string{s.lists},
	})
	if change != nil {
		change(&s.cfg)
	}
	s.reloader = load(t, s.cfg)
	return s
}

func (s *site) file(name string, content []byte) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	write(s.t, path, content)
	return path
}

// put writes a revocation list into the directory.
func (s *site) put(name string, content []byte) {
	s.t.Helper()
	write(s.t, filepath.Join(s.lists, name), content)
}

func (s *site) remove(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.lists, name)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) reload() {
	s.t.Helper()
	if err := s.reloader.Reload(); err != nil {
		s.t.Fatal(err)
	}
}

// client is a configuration that trusts the root and shows a certificate.
func (s *site) client(owner *signer) *stdtls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.root.cert)
	pair := owner.chain()
	return &stdtls.Config{
		RootCAs: roots, ServerName: "localhost",
		GetClientCertificate: func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) { return &pair, nil },
	}
}

// try connects with a certificate and returns the server's error.
func (s *site) try(owner *signer) error {
	s.t.Helper()
	_, _, err, _ := handshake(s.t, s.reloader, s.client(owner))
	return err
}
