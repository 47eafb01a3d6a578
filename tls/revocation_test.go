package tls

import (
	"crypto/sha256"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refusedFor fails the test unless a handshake was refused as a failed log-in for a cause.
func refusedFor(t *testing.T, name string, err, cause error) {
	t.Helper()
	var refused *ClientCertificateError
	if !errors.Is(err, cause) || !errors.As(err, &refused) || refused.ClaimedSubject() == "" {
		t.Errorf("%s: %v, want a refused certificate: %v", name, err, cause)
	}
}

func TestRevokedCertificatesAreRefused(t *testing.T) {
	s := newSite(t, nil)
	good, bad := s.issuer.issue("good", nil), s.issuer.issue("bad", nil)
	for _, owner := range []*signer{good, bad} {
		if err := s.try(owner); err != nil {
			t.Fatal(err)
		}
	}
	s.put("issuer.crl", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: s.issuer.revokes(nil, bad)}))
	s.reload()
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		client := s.client(bad)
		client.MinVersion, client.MaxVersion = version, version
		_, _, err, clientErr := handshake(t, s.reloader, client)
		refusedFor(t, stdtls.VersionName(version), err, ErrRevoked)
		if clientErr == nil {
			t.Error("the client was not told")
		}
	}
	if err := s.try(good); err != nil {
		t.Errorf("another certificate of the issuer: %v", err)
	}
	s.put("root.crl", s.root.revokes(nil, s.issuer))
	s.reload()
	refusedFor(t, "below a revoked issuer", s.try(good), ErrRevoked)
}

// TestResumptionEndsWithRevocation: a ticket is no way round the list.
func TestResumptionEndsWithRevocation(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		s := newSite(t, nil)
		owner := s.issuer.issue("owner", nil)
		client := s.client(owner)
		client.MinVersion, client.MaxVersion = version, version
		client.ClientSessionCache = stdtls.NewLRUClientSessionCache(1)
		for _, resumed := range []bool{false, true} {
			if _, state, err, _ := handshake(t, s.reloader, client); err != nil || state.DidResume != resumed {
				t.Fatalf("%v, resumed %t, want %t", err, state.DidResume, resumed)
			}
		}
		s.put("issuer.crl", s.issuer.revokes(nil, owner))
		s.reload()
		_, _, err, _ := handshake(t, s.reloader, client)
		refusedFor(t, stdtls.VersionName(version), err, ErrRevoked)
	}
}

// TestLiveConnectionsAreAskedAbout: when the lists change the owner of the sessions is told, and StillTrusted names what was revoked.
func TestLiveConnectionsAreAskedAbout(t *testing.T) {
	s := newSite(t, nil)
	owner := s.issuer.issue("owner", nil)
	told := 0
	s.reloader.OnRevocation(func() { told++ })
	server, _, err, _ := handshake(t, s.reloader, s.client(owner))
	if err != nil {
		t.Fatal(err)
	}
	chain := server.PeerCertificates()
	s.reload()
	if err := server.StillTrusted(chain); told != 0 || err != nil {
		t.Errorf("nothing has changed: told %d times, %v", told, err)
	}
	s.put("issuer.crl", s.issuer.revokes(nil, owner))
	s.reload()
	if err := server.StillTrusted(chain); told != 1 || !errors.Is(err, ErrRevoked) {
		t.Errorf("told %d times, %v", told, err)
	}
	if got := server.PeerCertificates(); len(got) != 3 {
		t.Errorf("chain of %d", len(got))
	}
}

func TestWhatNoCurrentListIsAbout(t *testing.T) {
	past := func(l *x509.RevocationList) {
		l.ThisUpdate, l.NextUpdate = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}
	users := scopeExtension(t, struct {
		Users bool `asn1:"tag:1"`
	}{true})
	for _, c := range []struct {
		name    string
		list    func(s *site, owner *signer) []byte // the issuer's; nil for none
		policy  RevocationPolicy
		refused error
	}{
		{"expired", func(s *site, _ *signer) []byte { return s.issuer.revokes(past) }, RevocationPolicy{AcceptMissing: true}, ErrUnknownRevocation},
		{"expired, accepted", func(s *site, _ *signer) []byte { return s.issuer.revokes(past) }, RevocationPolicy{AcceptExpired: true}, nil},
		{"expired, accepted, but named", func(s *site, o *signer) []byte { return s.issuer.revokes(past, o) }, RevocationPolicy{AcceptExpired: true}, ErrRevoked},
		{"missing", nil, RevocationPolicy{AcceptExpired: true}, ErrUnknownRevocation},
		{"missing, accepted", nil, RevocationPolicy{AcceptMissing: true}, nil},
		{"of a namesake", func(s *site, _ *signer) []byte { return s.root.issue("issuer", authorityOf).revokes(nil) }, RevocationPolicy{AcceptExpired: true}, ErrUnknownRevocation},
		{"by a namesake who names the client", func(s *site, o *signer) []byte { return s.root.issue("issuer", authorityOf).revokes(nil, o) }, RevocationPolicy{AcceptMissing: true}, nil},
		{"about users", func(s *site, _ *signer) []byte { return s.issuer.revokes(with(users)) }, RevocationPolicy{}, nil},
	} {
		s := newSite(t, func(cfg *Config) { cfg.Revocation = c.policy })
		owner := s.issuer.issue("owner", nil)
		s.remove("issuer.crl")
		if c.list != nil {
			s.put("other.crl", c.list(s, owner))
		}
		s.reloader = load(t, s.cfg)
		err := s.try(owner)
		if c.refused == nil && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.refused != nil {
			refusedFor(t, c.name, err, c.refused)
		}
	}
}

// TestAcceptedUnknownsAreTold: each issuer once, and each list that is out of date once.
func TestAcceptedUnknownsAreTold(t *testing.T) {
	log := &strings.Builder{}
	s := newSite(t, func(cfg *Config) {
		cfg.Revocation = RevocationPolicy{AcceptExpired: true, AcceptMissing: true}
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	s.remove("issuer.crl")
	s.put("root.crl", s.root.revokes(func(l *x509.RevocationList) {
		l.ThisUpdate, l.NextUpdate = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}))
	s.reloader = load(t, s.cfg)
	owner := s.issuer.issue("owner", nil)
	for range 3 {
		if err := s.try(owner); err != nil {
			t.Fatal(err)
		}
		s.reload()
	}
	for text, want := range map[string]int{"without a current revocation list": 2, `issuer="CN=issuer"`: 1, "list is out of date": 1} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q is told %d times, want %d:\n%s", text, got, want, log)
		}
	}
}

// with adds an extension to a list.
func with(e pkix.Extension) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) { l.ExtraExtensions = append(l.ExtraExtensions, e) }
}

// scopeExtension is an issuingDistributionPoint.
func scopeExtension(t testing.TB, value any) pkix.Extension {
	t.Helper()
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: der}
}

// pointExtension is an issuingDistributionPoint that names a URI.
func pointExtension(t testing.TB, uri string) pkix.Extension {
	t.Helper()
	return scopeExtension(t, struct {
		Name struct {
			Full []asn1.RawValue `asn1:"tag:0"`
		} `asn1:"tag:0"`
	}{struct {
		Full []asn1.RawValue `asn1:"tag:0"`
	}{[]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(uri)}}}})
}

// TestScopes: a list that is about some of an issuer's certificates says nothing of the others.
func TestScopes(t *testing.T) {
	s := newSite(t, nil)
	s.put("issuer.crl", s.issuer.revokes(with(pointExtension(t, "http://crl.example/1"))))
	s.remove("issuer.crl")
	s.put("one.crl", s.issuer.revokes(with(pointExtension(t, "http://crl.example/1"))))
	s.reloader = load(t, s.cfg)
	point := func(uri string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.ExtKeyUsage, c.CRLDistributionPoints = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, []string{uri}
		}
	}
	first, second := s.issuer.issue("first", point("http://crl.example/1")), s.issuer.issue("second", point("http://crl.example/2"))
	if err := s.try(first); err != nil {
		t.Errorf("in the scope: %v", err)
	}
	refusedFor(t, "outside of the scope", s.try(second), ErrUnknownRevocation)
	s.put("two.crl", s.issuer.revokes(with(pointExtension(t, "http://crl.example/2")), first))
	s.reload()
	if err := s.try(second); err != nil {
		t.Errorf("in the second scope: %v", err)
	}
	refusedFor(t, "named by the list of another scope", s.try(first), ErrRevoked)
}

// TestBadListsLeaveTheLastGoodOnes has each kind of file that is not taken: who was revoked stays so, and nobody else is refused.
func TestBadListsLeaveTheLastGoodOnes(t *testing.T) {
	s := newSite(t, nil)
	good, bad := s.root.issue("good", nil), s.root.issue("bad", nil)
	inForce := s.root.revokes(nil, bad)
	s.put("root.crl", inForce)
	s.reload()
	flipped := append([]byte{}, inForce...)
	flipped[len(flipped)-10] ^= 1
	critical := func(oid ...int) pkix.Extension {
		return pkix.Extension{Id: oid, Critical: true, Value: []byte{5, 0}}
	}
	entry := func(e pkix.Extension) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) { l.RevokedCertificateEntries[0].ExtraExtensions = []pkix.Extension{e} }
	}
	impostor := newAuthority(t, "root")
	impostor.cert.RawSubject = s.root.cert.RawSubject
	impostor.cert.SubjectKeyId = s.root.cert.SubjectKeyId
	for name, content := range map[string][]byte{
		"empty":          {},
		"truncated":      inForce[:len(inForce)-1],
		"bytes after it": append(append([]byte{}, inForce...), 0),
		"bit flipped":    flipped,
		"no list":        []byte("hello"),
		"a certificate":  asPEM(t, nil, s.root.cert),
		"too large":      make([]byte, maxCRLBytes+1),
		"another's":      impostor.revokes(nil),
		"older":          s.root.revokes(func(l *x509.RevocationList) { l.ThisUpdate = l.ThisUpdate.Add(-time.Hour) }),
		"of tomorrow": s.root.revokes(func(l *x509.RevocationList) {
			l.ThisUpdate, l.NextUpdate = l.ThisUpdate.Add(24*time.Hour), l.NextUpdate.Add(24*time.Hour)
		}),
		"weak signature":    s.root.revokes(func(l *x509.RevocationList) { l.SignatureAlgorithm = x509.ECDSAWithSHA1 }),
		"delta":             s.root.revokes(with(critical(2, 5, 29, 27))),
		"unknown extension": s.root.revokes(with(critical(1, 2, 3, 4))),
		"indirect": s.root.revokes(with(scopeExtension(t, struct {
			Indirect bool `asn1:"tag:4"`
		}{true}))),
		"some reasons": s.root.revokes(with(scopeExtension(t, struct {
			Reasons asn1.BitString `asn1:"tag:3"`
		}{asn1.BitString{Bytes: []byte{0x60}, BitLength: 3}}))),
		"scope cut off":       s.root.revokes(with(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 9}})),
		"another's entry":     s.root.revokes(entry(critical(2, 5, 29, 29)), bad),
		"unknown in an entry": s.root.revokes(entry(critical(1, 2, 3, 4)), bad),
	} {
		failures := s.reloader.Stats().ListFailures
		s.put("root.crl", content)
		for range 2 {
			if err := s.reloader.Reload(); !errors.Is(err, ErrBadCRL) || !strings.Contains(err.Error(), "root.crl") {
				t.Errorf("%s: %v, want ErrBadCRL that names the file", name, err)
			}
		}
		if got := s.reloader.Stats().ListFailures - failures; got != 2 {
			t.Errorf("%s: %d failures are counted, want 2", name, got)
		}
		if err := s.try(good); err != nil {
			t.Errorf("%s: others are refused: %v", name, err)
		}
		refusedFor(t, name, s.try(bad), ErrRevoked)
		if _, err := Load(s.cfg); name != "older" && !errors.Is(err, ErrBadCRL) {
			t.Errorf("%s: taken at the start: %v", name, err)
		}
	}
	s.put("root.crl", inForce)
	s.reload()
	if got := s.reloader.Stats().ListReloads; got != 1 {
		t.Errorf("%d renewals, want 1", got)
	}
}

// TestBadListsDoNotHoldUpOthers: one bad file in a directory keeps neither another list nor a certificate from being renewed.
func TestBadListsDoNotHoldUpOthers(t *testing.T) {
	s := newSite(t, nil)
	owner := s.issuer.issue("owner", nil)
	s.put("root.crl", []byte("damaged"))
	s.put("issuer.crl", s.issuer.revokes(nil, owner))
	renewed := s.root.issue("server", func(c *x509.Certificate) { c.DNSNames = []string{"localhost"} })
	write(t, s.cfg.KeyStore.Location, asPEM(t, renewed.key, renewed.cert, s.root.cert))
	if err := s.reloader.Reload(); !errors.Is(err, ErrBadCRL) {
		t.Errorf("%v", err)
	}
	refusedFor(t, "named by the other list", s.try(owner), ErrRevoked)
	if got := s.reloader.Stats(); got.Reloads != 1 || got.Failures != 0 || got.ListReloads != 1 || got.ListFailures != 1 {
		t.Errorf("%+v", got)
	}
}

// TestListsThatHaveGoneStayInForce until they are out of date.
func TestListsThatHaveGoneStayInForce(t *testing.T) {
	var ahead time.Duration
	s := newSite(t, func(cfg *Config) {
		cfg.Revocation.AcceptMissing = true
		cfg.Clock = func() time.Time { return time.Now().Add(ahead) }
	})
	owner := s.issuer.issue("owner", nil)
	s.put("extra.crl", s.issuer.revokes(func(l *x509.RevocationList) { l.ThisUpdate = time.Now() }, owner))
	s.reload()
	s.remove("extra.crl")
	s.remove("issuer.crl")
	s.reload()
	refusedFor(t, "its list has gone", s.try(owner), ErrRevoked)
	if err := os.RemoveAll(s.lists); err != nil {
		t.Fatal(err)
	}
	ahead = 2 * time.Hour
	if err := s.reloader.Reload(); err == nil {
		t.Error("the directory is not missed")
	}
	refusedFor(t, "the whole directory has gone", s.try(owner), ErrRevoked)
	if err := os.Mkdir(s.lists, 0o700); err != nil {
		t.Fatal(err)
	}
	s.put("root.crl", s.root.revokes(func(l *x509.RevocationList) { l.NextUpdate = time.Now().Add(10 * time.Hour) }))
	s.reload()
	if err := s.try(owner); err != nil {
		t.Errorf("its list has gone and is out of date: %v", err)
	}
}

// TestVersionsOfAMountedSecretArePassedOver: Kubernetes mounts ..data, a link to a directory, and links into it.
func TestVersionsOfAMountedSecretArePassedOver(t *testing.T) {
	s := newSite(t, nil)
	version := filepath.Join(s.lists, "..2030_01_01")
	owner := s.issuer.issue("owner", nil)
	if err := os.Mkdir(version, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(version, "issuer.crl"), s.issuer.revokes(nil, owner))
	s.remove("issuer.crl")
	for link, target := range map[string]string{"..data": version, "issuer.crl": filepath.Join("..data", "issuer.crl")} {
		if err := os.Symlink(target, filepath.Join(s.lists, link)); err != nil {
			t.Fatal(err)
		}
	}
	s.reload()
	refusedFor(t, "by a list in a mounted secret", s.try(owner), ErrRevoked)
}

// TestCrossSignedCertificates: where one of two chains ends in a revoked issuer the other one counts.
func TestCrossSignedCertificates(t *testing.T) {
	s := newSite(t, nil)
	owner := s.issuer.issue("owner", nil)
	cross := s.root.issue("cross", func(c *x509.Certificate) { authorityOf(c); c.Subject = s.issuer.cert.Subject })
	revoked := [][]*x509.Certificate{{owner.cert, cross.cert, s.root.cert}, {owner.cert, s.issuer.cert, s.root.cert}}
	s.put("root.crl", s.root.revokes(nil, cross))
	s.reload()
	chain, err := s.reloader.trusted(revoked)
	if err != nil || !chain[1].Equal(s.issuer.cert) {
		t.Errorf("%v, %v", chain, err)
	}
	if _, err := s.reloader.trusted(revoked[:1]); !errors.Is(err, ErrRevoked) {
		t.Errorf("the revoked chain alone: %v", err)
	}
}

// TestForgedListsDoNotSupersede: the issuer is below the root and not known when files are read, so a newer list in its name is only found
// to be forged when a chain comes.
func TestForgedListsDoNotSupersede(t *testing.T) {
	s := newSite(t, func(cfg *Config) { cfg.Revocation.AcceptMissing = true })
	bad := s.issuer.issue("bad", nil)
	s.put("issuer.crl", s.issuer.revokes(nil, bad))
	forger := s.root.issue("issuer", authorityOf)
	forger.cert.SubjectKeyId = s.issuer.cert.SubjectKeyId
	s.put("newer.crl", forger.revokes(func(l *x509.RevocationList) { l.ThisUpdate = time.Now() }))
	s.reload()
	refusedFor(t, "named by the older list", s.try(bad), ErrRevoked)
}

func TestNoLists(t *testing.T) {
	for name, location := range map[string]string{"no file": filepath.Join(t.TempDir(), "missing.crl"), "an empty directory": t.TempDir()} {
		paths := pki(t)
		cfg := quiet(serverConfig(paths, Required))
		cfg.RevocationLists = []string{location}
		if _, err := Load(cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzCRL: bytes of any form neither panic nor come out as a list that is signed by somebody who did not.
func FuzzCRL(f *testing.F) {
	authority := newAuthority(f, "root")
	stranger := newAuthority(f, "root")
	leaf := authority.issue("leaf", nil)
	for _, der := range [][]byte{
		authority.revokes(nil), authority.revokes(nil, leaf), authority.revokes(with(pointExtension(f, "http://crl.example/1")), leaf),
	} {
		f.Add(der)
		f.Add(der[:len(der)/2])
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, content []byte) {
		lists, err := parseCRLs("fuzz", content, now)
		if err != nil {
			if !errors.Is(err, ErrBadCRL) || lists != nil {
				t.Fatalf("%v beside %v", lists, err)
			}
			return
		}
		r := newRevocations(RevocationPolicy{}, lists, func(string) {})
		for _, c := range lists {
			if c.signedBy(stranger.cert, sha256.Sum256(stranger.cert.Raw)) {
				t.Fatal("signed by a stranger")
			}
			c.scope.covers(leaf.cert)
		}
		if err := r.check([]*x509.Certificate{leaf.cert, authority.cert}, now); err != nil && !errors.Is(err, ErrRevoked) && !errors.Is(err, ErrUnknownRevocation) {
			t.Fatal(err)
		}
	})
}
