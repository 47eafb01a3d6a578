package auth

import (
	"errors"
	"fmt"
	"strings"
)

// UserType is the principal type of everybody who logs in by SASL or mTLS.
const UserType = "User"

// ErrBadPrincipal is wrapped by ParsePrincipal's errors.
var ErrBadPrincipal = errors.New("principal is not of the form Type:name")

// Principal is an authenticated identity. The zero value is nobody: no rule matches it.
type Principal struct {
	Type string
	Name string
}

// User returns the principal User:name.
func User(name string) Principal { return Principal{Type: UserType, Name: name} }

// Anonymous is the principal of a connection on a listener that asks for no identity
// (Apache Kafka's KafkaPrincipal.ANONYMOUS).
func Anonymous() Principal { return User("ANONYMOUS") }

// ParsePrincipal reads the text form Type:name. Only the first colon separates: a name may hold more.
func ParsePrincipal(s string) (Principal, error) {
	kind, name, found := strings.Cut(s, ":")
	if !found || kind == "" || name == "" {
		return Principal{}, fmt.Errorf("%w: %q", ErrBadPrincipal, s)
	}
	return Principal{Type: kind, Name: name}, nil
}

// String returns the form Type:name that ACLs, configuration and audit events use.
func (p Principal) String() string { return p.Type + ":" + p.Name }

// IsZero reports whether p is nobody.
func (p Principal) IsZero() bool { return p == Principal{} }
