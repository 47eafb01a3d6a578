package ldap

import (
	"testing"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// FuzzNamesStayOneValue: whatever a user calls himself, the distinguished name has the template's parts and no other, and the filter has one
// assertion about exactly that name.
func FuzzNamesStayOneValue(f *testing.F) {
	for _, name := range []string{
		"alice", "*", "*)(uid=*", ")(|(uid=*))", "uid=alice,dc=test", "alice,ou=people", "a+cn=b", "\x00", "alice\x00bob", " a ", "#61", `\61`, `\`, `a\`, "=", "\"", "é ", "%s",
	} {
		f.Add(name)
	}
	c := Config{BindTemplate: "uid=%s,ou=people,dc=test", SearchFilter: "(&(objectClass=person)(uid=%s))"}
	f.Fuzz(func(t *testing.T, user string) {
		if user == "" || !utf8.ValidString(user) {
			return // PLAIN takes none of these
		}
		dn, err := ldap.ParseDN(c.nameOf(user))
		if err != nil || len(dn.RDNs) != 3 || len(dn.RDNs[0].Attributes) != 1 || dn.RDNs[0].Attributes[0].Value != user {
			t.Errorf("%q becomes %q: %v, %v", user, c.nameOf(user), dn, err)
		}
		filter, err := ldap.CompileFilter(c.filterFor(user))
		if err != nil || len(filter.Children) != 2 {
			t.Fatalf("%q becomes %q: %v", user, c.filterFor(user), err)
		}
		match := filter.Children[1]
		if match.Tag != ldap.FilterEqualityMatch || len(match.Children) != 2 || match.Children[1].Data.String() != user {
			t.Errorf("%q becomes %q", user, c.filterFor(user))
		}
	})
}
