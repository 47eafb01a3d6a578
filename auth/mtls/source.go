package mtls

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// Source is what of a certificate names its owner. The zero value is invalid.
type Source int8

const (
	// Subject is the distinguished name of the subject, as in Apache Kafka.
	Subject Source = iota + 1
	// URI is the one URI among the subject's alternative names, a SPIFFE ID (SPIFFE's X509-SVID).
	URI
	// DNS is the one DNS name among them, in lower case.
	DNS
	// Email is the one address among them, its domain in lower case.
	Email
)

// ErrBadSource is wrapped by ParseSource's errors.
var ErrBadSource = errors.New("bad chronik.ssl.principal.source")

// ErrAmbiguous is wrapped where a certificate does not name exactly one owner: none or several names of the kind that is asked for.
var ErrAmbiguous = errors.New("the certificate does not name exactly one owner")

// ParseSource reads chronik.ssl.principal.source: dn, uri, dns, email.
func ParseSource(s string) (Source, error) {
	switch strings.ToLower(s) {
	case "dn":
		return Subject, nil
	case "uri":
		return URI, nil
	case "dns":
		return DNS, nil
	case "email":
		return Email, nil
	default:
		return 0, fmt.Errorf("%w: %q; dn, uri, dns and email are allowed", ErrBadSource, s)
	}
}

// name returns the text that names the owner of a certificate.
func (s Source) name(cert *x509.Certificate) (string, error) {
	if s == Subject {
		return distinguishedName(cert.RawSubject)
	}
	names, err := alternativeNames(cert)
	if err != nil {
		return "", err
	}
	switch s {
	case URI:
		return spiffeID(cert, names[tagURI])
	case DNS:
		return dnsName(names[tagDNS])
	case Email:
		return emailAddress(names[tagEmail])
	default:
		return "", fmt.Errorf("%w: %d", ErrBadSource, s)
	}
}

// only returns the one element of a list.
func only(kind string, names []string) (string, error) {
	if len(names) != 1 {
		return "", fmt.Errorf("%w: %d %s among its alternative names", ErrAmbiguous, len(names), kind)
	}
	return names[0], nil
}
