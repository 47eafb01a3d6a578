package tls

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ErrBadCRL is wrapped by the errors about certificate revocation lists that can not be used.
var ErrBadCRL = errors.New("unusable certificate revocation list")

// crl is one certificate revocation list (RFC 5280 section 5), without its entries in their encoding.
type crl struct {
	path       string
	issuer     string // the issuer's name in DER
	name       string // and as a text
	key        string // which of the issuer's keys signed it, as the list says; "" where it does not
	scope      scope
	thisUpdate time.Time
	nextUpdate time.Time
	// revoked are the serial numbers, in their bytes.
	revoked map[string]struct{}
	// list has what a signature is checked by.
	list *x509.RevocationList

	// overdue says that it has been told that the list is out of date; it belongs to the reloader.
	overdue bool

	mu sync.Mutex
	// signers are the certificates, by their digests, that the signature has been checked with.
	signers map[[sha256.Size]byte]bool
}

// scope says which certificates of an issuer a list is about (issuingDistributionPoint, RFC 5280 section 5.2.5). The zero value is all.
type scope struct {
	// raw is the extension's value, by which two lists of one scope are known.
	raw string
	// points are the addresses, one of which a certificate's own distribution points have to name; none means any certificate.
	points             []string
	usersOnly, casOnly bool
}

func (s *scope) covers(cert *x509.Certificate) bool {
	if s.usersOnly && cert.IsCA || s.casOnly && !cert.IsCA {
		return false
	}
	return len(s.points) == 0 || slices.ContainsFunc(cert.CRLDistributionPoints, func(p string) bool { return slices.Contains(s.points, p) })
}

// parseCRLs reads all lists of a file, in DER or PEM; other things in PEM are passed over.
func parseCRLs(path string, content []byte, now time.Time) ([]*crl, error) {
	ders := [][]byte{content}
	if bytes.Contains(content, []byte("-----BEGIN")) {
		ders = nil
		for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "X509 CRL" {
				ders = append(ders, block.Bytes)
			}
		}
	}
	var lists []*crl
	for _, der := range ders {
		c, err := parseCRL(der, now)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		c.path = path
		lists = append(lists, c)
	}
	if len(lists) == 0 {
		return nil, fmt.Errorf("%s: %w: there is none in it", path, ErrBadCRL)
	}
	return lists, nil
}

// parseCRL reads one list. What it can not act on, it refuses: a list that is only partly understood would let revoked
// certificates in.
func parseCRL(der []byte, now time.Time) (*crl, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCRL, err)
	}
	switch {
	case len(list.Raw) != len(der):
		return nil, fmt.Errorf("%w: %d bytes follow it", ErrBadCRL, len(der)-len(list.Raw))
	case slices.Contains(weakSignatures(), list.SignatureAlgorithm):
		return nil, fmt.Errorf("%w: its signature is %s, which is not secure", ErrBadCRL, list.SignatureAlgorithm)
	case list.NextUpdate.IsZero():
		return nil, fmt.Errorf("%w: it has no nextUpdate, and so no end (RFC 5280 wants one)", ErrBadCRL)
	case list.ThisUpdate.After(now.Add(maxClockSkew)):
		return nil, fmt.Errorf("%w: it is valid from %s on", ErrBadCRL, list.ThisUpdate.Format(time.RFC3339))
	}
	c := &crl{
		issuer: string(list.RawIssuer), name: list.Issuer.String(), key: string(list.AuthorityKeyId), thisUpdate: list.ThisUpdate, nextUpdate: list.NextUpdate,
		revoked: map[string]struct{}{}, signers: map[[sha256.Size]byte]bool{},
	}
	if c.scope, err = scopeOf(list.Extensions); err != nil {
		return nil, err
	}
	for i := range list.RevokedCertificateEntries {
		entry := &list.RevokedCertificateEntries[i]
		if err := checkEntry(entry); err != nil {
			return nil, err
		}
		c.revoked[serialKey(entry.SerialNumber)] = struct{}{}
	}
	c.list = &x509.RevocationList{
		RawTBSRevocationList: list.RawTBSRevocationList, Signature: list.Signature, SignatureAlgorithm: list.SignatureAlgorithm,
	}
	return c, nil
}

// weakSignatures are those that crypto/x509 still checks for lists, and not for certificates.
func weakSignatures() []x509.SignatureAlgorithm {
	return []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}
}

// serialKey is a serial number as the key of a map. Some authorities have given out negative ones.
func serialKey(n *big.Int) string {
	if n.Sign() < 0 {
		return "-" + string(n.Bytes())
	}
	return string(n.Bytes())
}

// scopeOf looks at a list's extensions and refuses those that change its meaning in a way that is not known here.
func scopeOf(extensions []pkix.Extension) (scope, error) {
	var s scope
	for _, e := range extensions {
		switch oid := e.Id.String(); {
		case oid == "2.5.29.27":
			return s, fmt.Errorf("%w: delta lists are not supported; use complete ones", ErrBadCRL)
		case oid == "2.5.29.28":
			var err error
			if s, err = parseScope(e.Value); err != nil {
				return s, err
			}
		case oid == "2.5.29.20" || oid == "2.5.29.35": // number, key of the authority
		case e.Critical:
			return s, fmt.Errorf("%w: its critical extension %s is not known", ErrBadCRL, oid)
		}
	}
	return s, nil
}

// checkEntry refuses entries of indirect lists, whose certificates are another issuer's, and critical extensions that are not known.
func checkEntry(entry *x509.RevocationListEntry) error {
	const reasonCode, invalidityDate, certificateIssuer = "2.5.29.21", "2.5.29.24", "2.5.29.29"
	for _, e := range entry.Extensions {
		switch oid := e.Id.String(); {
		case oid == certificateIssuer:
			return fmt.Errorf("%w: indirect lists are not supported", ErrBadCRL)
		case e.Critical && oid != reasonCode && oid != invalidityDate:
			return fmt.Errorf("%w: the critical extension %s of serial number %x is not known", ErrBadCRL, oid, entry.SerialNumber)
		}
	}
	return nil
}

// parseScope reads an issuingDistributionPoint.
func parseScope(der []byte) (scope, error) {
	var point struct {
		Name       asn1.RawValue  `asn1:"optional,tag:0"`
		Users      bool           `asn1:"optional,tag:1"`
		CAs        bool           `asn1:"optional,tag:2"`
		Reasons    asn1.BitString `asn1:"optional,tag:3"`
		Indirect   bool           `asn1:"optional,tag:4"`
		Attributes bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(der, &point)
	switch {
	case err != nil:
		return scope{}, fmt.Errorf("%w: its issuing distribution point: %w", ErrBadCRL, err)
	case len(rest) > 0:
		return scope{}, fmt.Errorf("%w: %d bytes follow its issuing distribution point", ErrBadCRL, len(rest))
	case point.Indirect:
		return scope{}, fmt.Errorf("%w: indirect lists are not supported", ErrBadCRL)
	case point.Attributes || len(point.Reasons.Bytes) > 0:
		return scope{}, fmt.Errorf("%w: lists of attribute certificates, or for some reasons only, are not supported", ErrBadCRL)
	case point.Users && point.CAs:
		return scope{}, fmt.Errorf("%w: it is about no certificates", ErrBadCRL)
	}
	s := scope{raw: string(der), usersOnly: point.Users, casOnly: point.CAs}
	if len(point.Name.Bytes) == 0 {
		return s, nil
	}
	if s.points, err = pointNames(point.Name.Bytes); err != nil {
		return scope{}, err
	}
	return s, nil
}

// pointNames returns the URIs of a DistributionPointName.
func pointNames(der []byte) ([]string, error) {
	const fullName, uri = cryptobyteasn1.Tag(0) | 0xa0, cryptobyteasn1.Tag(6) | 0x80
	input := cryptobyte.String(der)
	var names cryptobyte.String
	if !input.ReadASN1(&names, fullName) || !input.Empty() {
		return nil, fmt.Errorf("%w: its issuing distribution point is not a full name", ErrBadCRL)
	}
	var uris []string
	for !names.Empty() {
		var value cryptobyte.String
		var tag cryptobyteasn1.Tag
		if !names.ReadAnyASN1(&value, &tag) {
			return nil, fmt.Errorf("%w: its issuing distribution point is cut off", ErrBadCRL)
		}
		if tag == uri {
			uris = append(uris, string(value))
		}
	}
	if len(uris) == 0 {
		return nil, fmt.Errorf("%w: its issuing distribution point names no URI", ErrBadCRL)
	}
	return uris, nil
}

// signedBy reports whether the list was signed by the key of a certificate that may sign lists. id is the certificate's digest.
func (c *crl) signedBy(issuer *x509.Certificate, id [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, found := c.signers[id]; found {
		return known
	}
	signed := c.list.CheckSignatureFrom(issuer) == nil
	if len(c.signers) < maxSigners {
		c.signers[id] = signed
	}
	return signed
}

func (c *crl) lists(cert *x509.Certificate) bool {
	_, listed := c.revoked[serialKey(cert.SerialNumber)]
	return listed
}
