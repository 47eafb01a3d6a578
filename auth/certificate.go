package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"
)

// Certificate is what is known of a client by the certificate that it showed, whatever it logged in by.
type Certificate struct {
	// Subject and Issuer are distinguished names in the form of RFC 2253.
	Subject, Issuer string
	// Serial is the serial number in hexadecimal, Fingerprint the SHA-256 of the certificate in hexadecimal.
	Serial, Fingerprint string
	NotBefore, NotAfter time.Time
	// DNSNames, URIs, Emails and Addresses are the subject's alternative names, the first MaxAlternativeNames of each kind.
	DNSNames, URIs, Emails, Addresses []string
	// Chain is the verified chain, the leaf first: by it is decided whether it has been revoked since. It must not be changed.
	Chain []*x509.Certificate
}

// NewCertificate returns what is to be known of a verified chain, nil where it is empty.
func NewCertificate(chain []*x509.Certificate) *Certificate {
	if len(chain) == 0 {
		return nil
	}
	leaf := chain[0]
	c := &Certificate{
		Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Chain: chain,
		DNSNames: first(leaf.DNSNames), Emails: first(leaf.EmailAddresses), URIs: texts(first(leaf.URIs)), Addresses: texts(first(leaf.IPAddresses)),
	}
	if leaf.SerialNumber != nil {
		c.Serial = leaf.SerialNumber.Text(16)
	}
	sum := sha256.Sum256(leaf.Raw)
	c.Fingerprint = hex.EncodeToString(sum[:])
	return c
}

func first[T any](names []T) []T { return names[:min(len(names), MaxAlternativeNames)] }

func texts[T fmt.Stringer](names []T) []string {
	var out []string
	for _, n := range names {
		out = append(out, n.String())
	}
	return out
}
