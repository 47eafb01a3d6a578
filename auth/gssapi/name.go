package gssapi

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/chronik-stream/chronik/auth"
)

// name is a Kerberos name: its components and its realm.
type name struct {
	components []string
	realm      string
}

// reservedName is the first component of names that are nobody's, such as WELLKNOWN/ANONYMOUS (RFC 6111).
const reservedName = "WELLKNOWN"

// nameOf checks a name. What would read as another name in its text form is refused, since nothing is quoted there.
func nameOf(p types.PrincipalName, realm string) (name, error) {
	n := name{p.NameString, realm}
	if len(n.components) == 0 || len(n.components) > maxComponents {
		return name{}, malformed("a name of %d components", len(n.components))
	}
	for _, part := range append([]string{realm}, n.components...) {
		if part == "" || !utf8.ValidString(part) || strings.ContainsAny(part, `/@\`) || strings.ContainsFunc(part, unicode.IsControl) {
			return name{}, malformed("a part of a name, %q, is empty or has characters that are not allowed", part)
		}
	}
	if size := len(n.String()); size > auth.MaxNameBytes {
		return name{}, malformed("a name of %d bytes, allowed are %d", size, auth.MaxNameBytes)
	}
	return n, nil
}

// parseName reads a/b@REALM, or a/b, which is of the given realm.
func parseName(text, realm string) name {
	local, own, found := strings.Cut(text, "@")
	if found {
		realm = own
	}
	return name{strings.Split(local, "/"), realm}
}

// local is the name without its realm.
func (n name) local() string { return strings.Join(n.components, "/") }

func (n name) String() string {
	if n.realm == "" {
		return n.local()
	}
	return n.local() + "@" + n.realm
}

func (n name) equal(o name) bool {
	return n.realm == o.realm && slices.Equal(n.components, o.components)
}
