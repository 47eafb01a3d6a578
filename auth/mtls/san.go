package mtls

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ErrBadAlternativeName is wrapped by the errors about alternative names that can not name anybody.
var ErrBadAlternativeName = errors.New("unusable alternative name")

// The kinds of alternative names that are looked at (GeneralName, RFC 5280 section 4.2.1.6).
const (
	tagEmail = cryptobyteasn1.Tag(1) | 0x80
	tagDNS   = cryptobyteasn1.Tag(2) | 0x80
	tagURI   = cryptobyteasn1.Tag(6) | 0x80
)

// alternativeNames returns the subject's alternative names by their kinds, byte for byte: what crypto/x509 parses them to may be
// spelt differently. A certificate without any has none.
func alternativeNames(cert *x509.Certificate) (map[cryptobyteasn1.Tag][]string, error) {
	oid := asn1.ObjectIdentifier{2, 5, 29, 17}
	names := map[cryptobyteasn1.Tag][]string{}
	for i := range cert.Extensions {
		if !cert.Extensions[i].Id.Equal(oid) {
			continue
		}
		if err := readAlternativeNames(names, cert.Extensions[i].Value); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func readAlternativeNames(names map[cryptobyteasn1.Tag][]string, der []byte) error {
	input := cryptobyte.String(der)
	var all cryptobyte.String
	if !input.ReadASN1(&all, cryptobyteasn1.SEQUENCE) || !input.Empty() {
		return fmt.Errorf("%w: they are no sequence", ErrBadAlternativeName)
	}
	for n := 1; !all.Empty(); n++ {
		var value cryptobyte.String
		var tag cryptobyteasn1.Tag
		if !all.ReadAnyASN1(&value, &tag) {
			return fmt.Errorf("%w: number %d is cut off", ErrBadAlternativeName, n)
		}
		if n > maxAlternativeNames {
			return fmt.Errorf("%w: more than %d of them", ErrBadAlternativeName, maxAlternativeNames)
		}
		names[tag] = append(names[tag], string(value))
	}
	return nil
}

// dnsName returns the one DNS name, in lower case. Names with a wildcard stand for many hosts and are nobody's.
func dnsName(names []string) (string, error) {
	name, err := only("DNS names", names)
	if err != nil {
		return "", err
	}
	if !isHost(name) {
		return "", fmt.Errorf("%w: %.64q is no DNS name of one host", ErrBadAlternativeName, name)
	}
	return strings.ToLower(name), nil
}

// isHost reports whether a name has the form of one host's, without a dot at the end.
func isHost(name string) bool {
	if len(name) > maxHostBytes {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabelBytes || strings.ContainsFunc(label, func(r rune) bool { return !isLetterOrDigit(r) && r != '-' && r != '_' }) {
			return false
		}
	}
	return true
}

// emailAddress returns the one address, its domain in lower case; what is before the @ may differ by case.
func emailAddress(names []string) (string, error) {
	address, err := only("email addresses", names)
	if err != nil {
		return "", err
	}
	local, domain, found := strings.Cut(address, "@")
	odd := func(r rune) bool { return !isLetterOrDigit(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r) }
	if !found || local == "" || len(local) > maxLocalBytes || strings.ContainsFunc(local, odd) || !isHost(domain) {
		return "", fmt.Errorf("%w: %.64q is no email address", ErrBadAlternativeName, address)
	}
	return local + "@" + strings.ToLower(domain), nil
}

func isLetterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
