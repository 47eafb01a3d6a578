package mtls

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// spiffeID returns the SPIFFE ID of a leaf certificate, by the rules of SPIFFE's X509-SVID: exactly one URI, a SPIFFE ID with a path, in
// a certificate that can not sign others.
func spiffeID(cert *x509.Certificate, uris []string) (string, error) {
	id, err := only("URIs", uris)
	if err != nil {
		return "", err
	}
	if cert.IsCA || cert.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		return "", fmt.Errorf("%w: the certificate of %.64q may sign others, and so names no workload (X509-SVID)", ErrBadAlternativeName, id)
	}
	if !isSPIFFEID(id) {
		return "", fmt.Errorf("%w: %.64q is no SPIFFE ID of the form spiffe://trust-domain/path", ErrBadAlternativeName, id)
	}
	return id, nil
}

// isSPIFFEID applies the SPIFFE-ID specification, section 2: there is one spelling of each ID, without percent-encoding, port, query
// or fragment.
func isSPIFFEID(id string) bool {
	rest, found := strings.CutPrefix(id, "spiffe://")
	domain, path, hasPath := strings.Cut(rest, "/")
	if !found || !hasPath || len(id) > maxSPIFFEBytes || domain == "" || len(domain) > maxHostBytes || strings.ContainsFunc(domain, outsideOfDomain) {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, outsideOfSegment) {
			return false
		}
	}
	return true
}

func outsideOfDomain(r rune) bool { return outsideOfSegment(r) || r >= 'A' && r <= 'Z' }

func outsideOfSegment(r rune) bool { return !isLetterOrDigit(r) && !strings.ContainsRune("-._", r) }
