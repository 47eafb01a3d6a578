package doctor

import (
	"iter"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/auth"
)

// manyAdministrators is how many may do everything before it is too many.
const manyAdministrators = 3

// rightsChecks look at what the configuration lets people do.
func rightsChecks() []Check {
	return []Check{
		{
			ID: "acls-off", State: Open, Severity: Critical, Controls: []string{"AC-3", "AC-6", "PCI 7.2.1", "CC6.3"},
			Title: "ACLs are off: whoever has logged in may do everything.",
			Mend:  "take chronik.acl.enabled=false out of the configuration",
			find: func(f *Facts, e *examination) {
				if !f.Config.Security.ACLEnabled {
					e.found("chronik.acl.enabled", "chronik.acl.enabled=false")
				}
			},
		},
		{
			ID: "allow-everyone", State: Open, Severity: High, Controls: []string{"AC-3", "AC-6", "PCI 7.2.3", "CC6.3"},
			Title: "What no ACL is about is open to whoever has logged in.",
			Mend:  "take allow.everyone.if.no.acl.found=true out of the configuration",
			find: func(f *Facts, e *examination) {
				if f.Config.Security.AllowIfNoACL {
					e.found("allow.everyone.if.no.acl.found", "allow.everyone.if.no.acl.found=true")
				}
			},
		},
		{
			ID: "anonymous-super-user", State: Open, Severity: Critical, Controls: []string{"AC-3", "AC-6", "IA-2", "PCI 7.2.1", "PCI 8.2.1"},
			Title: "Clients that do not say who they are may do everything.",
			Mend:  "take User:ANONYMOUS out of super.users",
			find: func(f *Facts, e *examination) {
				for key, users := range f.superUsers() {
					if slices.Contains(users, auth.Anonymous().String()) {
						e.found(key, "it has %s", auth.Anonymous())
					}
				}
			},
		},
		{
			ID: "many-super-users", State: Weak, Severity: Medium, Controls: []string{"AC-2(7)", "AC-6(5)", "PCI 7.2.2", "CC6.3"},
			Title: "Many may do everything.",
			Mend:  "leave at most three in super.users, and give ACLs to the others",
			find: func(f *Facts, e *examination) {
				for key, users := range f.superUsers() {
					if n := len(users); n > manyAdministrators {
						e.found(key, "it has %d principals: %s", n, strings.Join(users, ", "))
					}
				}
			},
		},
	}
}

// superUsers are those of all listeners, and those of single ones, by the key that names them.
func (f *Facts) superUsers() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		if !yield("super.users", f.Config.Security.SuperUsers) {
			return
		}
		for _, l := range f.Listeners {
			if !yield("listener.name."+strings.ToLower(l.Name)+".super.users", l.SuperUsers) {
				return
			}
		}
	}
}
