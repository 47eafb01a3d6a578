package mtls

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/javapattern"
)

// DefaultRules names the owner of a certificate by all of the text that its source gives.
const DefaultRules = "DEFAULT"

// ErrNoRule is wrapped where no rule applies to a name: its owner is nobody and does not get in.
var ErrNoRule = errors.New("no rule of ssl.principal.mapping.rules applies")

// Mapper maps certificates to principals. It is immutable and safe for concurrent use.
type Mapper struct {
	source Source
	rules  []rule
}

// New makes a mapper of the text that source takes from a certificate. It reads rules in the form of Apache Kafka's ssl.principal.mapping.rules (KIP-371): DEFAULT, or
// RULE:pattern/replacement/ with L or U for lower or upper case, separated by commas; the first that matches all of the name
// counts. Patterns are Java's; one that Go's RE2 cannot do, or would read differently, is an error that names the rule.
// Without any rule nobody is let in.
func New(source Source, rules string) (*Mapper, error) {
	if source < Subject || source > Email {
		return nil, fmt.Errorf("%w: %d", ErrBadSource, source)
	}
	parsed, err := parseRules(rules)
	if err != nil {
		return nil, err
	}
	return &Mapper{source: source, rules: parsed}, nil
}

// Principal returns whom a verified certificate belongs to.
func (m *Mapper) Principal(cert *x509.Certificate) (auth.Principal, error) {
	text, err := m.source.name(cert)
	if err != nil {
		return auth.Principal{}, err
	}
	name, err := m.Map(text)
	if err != nil {
		return auth.Principal{}, err
	}
	if name == "" {
		return auth.Principal{}, fmt.Errorf("%w: %q maps to an empty name", auth.ErrBadPrincipal, text)
	}
	return auth.User(name), nil
}

// Map applies the rules to what the source gives: a distinguished name in the form of RFC 2253, or an alternative name.
func (m *Mapper) Map(text string) (string, error) {
	if len(text) > maxNameBytes {
		return "", fmt.Errorf("%w: %d bytes, allowed are %d", ErrBadName, len(text), maxNameBytes)
	}
	for i := range m.rules {
		if m.rules[i].pattern != nil && javapattern.Ambiguous(text) {
			return "", fmt.Errorf("%w: %q holds characters that rules cannot be applied to", ErrBadName, text)
		}
		if name, applies := m.rules[i].apply(text); applies {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w to %q", ErrNoRule, text)
}
