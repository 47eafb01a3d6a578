package suggest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/authz"
)

// Finding is something about an ACL that goes beyond what was done.
type Finding struct {
	ACL  authz.Binding
	What Kind
	// Detail says how far, in words.
	Detail string
}

// Kind is what a finding is about.
type Kind string

// The kinds of findings.
const (
	// Unused grants allow nothing that was done.
	Unused Kind = "unused"
	// WildcardPrincipal grants are for everybody, WildcardResource ones for every resource, WildcardHost ones for any host, while the uses
	// came from one.
	WildcardPrincipal Kind = "wildcard principal"
	WildcardResource  Kind = "wildcard resource"
	WildcardHost      Kind = "wildcard host"
	// BroadOperation grants allow more than the operations that were done, as ALL does, or ALTER where only its DESCRIBE was; BroadPattern ones a prefix of which one name was used.
	BroadOperation Kind = "broad operation"
	BroadPattern   Kind = "broad pattern"
)

// namedMost is how many names a detail has.
const namedMost = 5

// reach is what was done of what an ACL allows.
type reach struct{ principals, names, hosts, operations map[string]bool }

// findings are about all ACLs in force that allow.
func (s *Suggestion) findings() (out []Finding) {
	deeds := s.deeds()
	for _, b := range s.cfg.Current {
		if b.Permission != authz.Allow {
			continue
		}
		r := reachOf(b, deeds)
		found := func(what Kind, detail string) { out = append(out, Finding{ACL: b, What: what, Detail: detail}) }
		if b.Principal == "User:*" {
			found(WildcardPrincipal, "used by "+listed(r.principals))
		}
		if b.Name == authz.Wildcard && b.Pattern == authz.Literal {
			found(WildcardResource, "used on "+listed(r.names))
		}
		if len(r.operations) == 0 {
			found(Unused, "nothing that was done needs it")
			continue
		}
		if b.Host == authz.AnyHost && len(r.hosts) == 1 {
			found(WildcardHost, "used from "+listed(r.hosts))
		}
		if !r.operations[b.Operation.String()] {
			found(BroadOperation, "used for "+listed(r.operations))
		}
		if b.Pattern == authz.Prefixed && len(r.names) == 1 && !r.names[b.Name] {
			found(BroadPattern, "used on "+listed(r.names))
		}
	}
	slices.SortFunc(out, func(a, b Finding) int {
		if c := compare(a.ACL, b.ACL); c != 0 {
			return c
		}
		return strings.Compare(string(a.What), string(b.What))
	})
	return out
}

// deed is a use and one of the needs that allow it.
type deed struct {
	use  use
	need authz.Need
}

// deeds are all uses by principal: a cluster has many principals and many ACLs, and most are of one.
func (s *Suggestion) deeds() map[string][]deed {
	all := map[string][]deed{}
	add := func(u use, n authz.Need) { all[u.who.String()] = append(all[u.who.String()], deed{u, n}) }
	for u := range s.uses {
		add(u, authz.Need{Op: u.op, On: u.on})
	}
	for u, c := range s.choices {
		add(u, authz.Need{Op: u.op, On: u.on, AnyOfType: u.any})
		for _, other := range c.or {
			add(u, other)
		}
	}
	return all
}

// reachOf looks for the uses that an ACL allows, whether it was this one that decided or not.
func reachOf(b authz.Binding, deeds map[string][]deed) reach {
	r := reach{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	if b.Principal != "User:*" {
		deeds = map[string][]deed{b.Principal: deeds[b.Principal]}
	}
	for who, all := range deeds {
		for i := range all {
			r.add(&b, who, &all[i])
		}
	}
	return r
}

func (r *reach) add(b *authz.Binding, who string, d *deed) {
	n := &d.need
	if b.Host != authz.AnyHost && b.Host != d.use.host {
		return
	}
	switch {
	case n.AnyOfType && b.Type == n.On.Type && (b.Operation == n.Op || b.Operation == authz.All):
	case !n.AnyOfType && b.Covers(n.On) && b.Operation.Implies(n.Op):
		r.names[n.On.Name] = true
	default:
		return
	}
	r.principals[who], r.hosts[d.use.host], r.operations[n.Op.String()] = true, true, true
}

// listed are some names in words.
func listed(names map[string]bool) string {
	if len(names) == 0 {
		return "nothing"
	}
	all := slices.Sorted(maps.Keys(names))
	if more := len(all) - namedMost; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:namedMost], ", "), more)
	}
	return strings.Join(all, ", ")
}
