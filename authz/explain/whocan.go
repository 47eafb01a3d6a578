package explain

import (
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// Everybody is the principal of an ACL that speaks of every principal.
const Everybody = auth.UserType + ":" + authz.Wildcard

// Access is what the ACLs say of one principal from one host.
type Access struct {
	// Principal is Everybody for all whom no ACL on the resource names.
	Principal string
	// Host is authz.AnyHost for all that no ACL on the resource names for the principal.
	Host     string
	Decision authz.Decision
}

// WhoCan says for each principal that bindings name, and for all others, and from each host that they name, and from all others, whether op on
// the resource is allowed. view decides by these bindings, which are those that cover the resource.
func WhoCan(view authz.View, bindings []authz.Binding, op authz.Operation, on authz.Resource) []Access {
	people := PeopleOf(bindings)
	var all []Access
	for _, principal := range people.Principals() {
		for _, host := range people.Hosts(principal) {
			all = append(all, Access{principal, host, view.Decide(people.Subject(principal, host), op, on)})
		}
	}
	return all
}

// People are the principals and hosts that ACLs tell apart.
type People struct {
	// hosts are those that are named, by principal.
	hosts map[string]map[string]bool
	// stranger is a name that nobody has.
	stranger string
}

// PeopleOf are those whom bindings name.
func PeopleOf(bindings []authz.Binding) *People {
	p := &People{hosts: map[string]map[string]bool{Everybody: {}}, stranger: "another"}
	for i := range bindings {
		b := &bindings[i]
		if p.hosts[b.Principal] == nil {
			p.hosts[b.Principal] = map[string]bool{}
		}
		if b.Host != authz.AnyHost {
			p.hosts[b.Principal][b.Host] = true
		}
		// A longer name than all others is nobody's.
		for len(p.stranger) <= len(b.Principal) {
			p.stranger += p.stranger
		}
	}
	return p
}

// Principals are those who are named, sorted, and at the end Everybody, for all others.
func (p *People) Principals() []string {
	named := slices.Sorted(maps.Keys(p.hosts))
	named = slices.DeleteFunc(named, func(s string) bool { return s == Everybody })
	return append(named, Everybody)
}

// Hosts are authz.AnyHost, for all hosts that are not named, and then those that are named for the principal or for everybody, sorted.
func (p *People) Hosts(principal string) []string {
	named := maps.Clone(p.hosts[principal])
	maps.Copy(named, p.hosts[Everybody])
	return append([]string{authz.AnyHost}, slices.Sorted(maps.Keys(named))...)
}

// Subject is one whom only these rules speak of.
func (p *People) Subject(principal, host string) authz.Subject {
	s := authz.Subject{Host: host}
	if host == authz.AnyHost {
		s.Host = ""
	}
	who, err := auth.ParsePrincipal(principal)
	if principal == Everybody || err != nil {
		who = auth.User(p.stranger)
	}
	s.Principal = who
	return s
}
