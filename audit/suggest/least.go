package suggest

import (
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/authz"
)

// least is the set of ACLs that allow what was done.
type least struct {
	cfg  Config
	acls map[authz.Binding]bool
	// of has them by principal, as they were made.
	of map[string][]authz.Binding
}

func newLeast(cfg Config) *least {
	return &least{cfg: cfg, acls: map[authz.Binding]bool{}, of: map[string][]authz.Binding{}}
}

// add makes the ACL that allows a use.
func (l *least) add(u use) {
	l.put(l.bindingOf(u, u.op, u.on))
}

func (l *least) put(b authz.Binding) {
	if !l.acls[b] {
		l.acls[b] = true
		l.of[b.Principal] = append(l.of[b.Principal], b)
	}
}

func (l *least) bindingOf(u use, op authz.Operation, on authz.Resource) authz.Binding {
	b := authz.Binding{
		Type: on.Type, Name: on.Name, Pattern: authz.Literal, Principal: u.who.String(), Host: authz.AnyHost, Operation: op, Permission: authz.Allow,
	}
	if l.cfg.Hosts {
		b.Host = u.host
	}
	return b
}

// choose makes an ACL for a use that any of several needs allows, where there is none yet. It reports false where no ACL is known to.
func (l *least) choose(u use, c choice) bool {
	all := append([]authz.Need{{Op: u.op, On: u.on, AnyOfType: u.any}}, c.or...)
	if slices.ContainsFunc(all, func(n authz.Need) bool { return l.covers(u, n) }) {
		return true
	}
	all = slices.DeleteFunc(all, func(n authz.Need) bool { return n.AnyOfType })
	if len(all) == 0 {
		return false
	}
	n := all[max(0, slices.IndexFunc(all, c.gives))]
	l.put(l.bindingOf(u, n.Op, n.On))
	return true
}

// gives reports whether an ACL for a need gives nothing that the one that allowed the use does not, as far as one can tell: one on the cluster has
// to be that one, since ALTER is far more than the CLUSTER_ACTION that would do as well.
func (c choice) gives(n authz.Need) bool {
	return n.On.Type != authz.Cluster || c.by != nil && c.by.Covers(n.On) && c.by.Operation.Implies(n.Op)
}

// covers reports whether one of the ACLs allows a need. As in Apache Kafka any resource of a type asks for the operation itself.
func (l *least) covers(u use, n authz.Need) bool {
	for _, b := range l.of[u.who.String()] {
		switch {
		case b.Host != authz.AnyHost && b.Host != u.host || b.Type != n.On.Type:
		case n.AnyOfType && b.Operation == n.Op, !n.AnyOfType && b.Name == n.On.Name && b.Operation.Implies(n.Op):
			return true
		}
	}
	return false
}

// bindings are the ACLs, less those that others imply, folded where that was told, with those in force that deny.
func (l *least) bindings() []authz.Binding {
	for _, prefix := range l.cfg.Prefixes {
		l.fold(prefix)
	}
	var out []authz.Binding
	for b := range l.acls {
		if !l.implied(b) {
			out = append(out, b)
		}
	}
	for _, b := range l.cfg.Current {
		if b.Permission == authz.Deny {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, compare)
	return out
}

// implied reports whether another ACL on the same allows the operation too, as READ does DESCRIBE.
func (l *least) implied(b authz.Binding) bool {
	for op := authz.Read; op <= authz.TwoPhaseCommit; op++ {
		other := b
		other.Operation = op
		if op != b.Operation && op.Implies(b.Operation) && l.acls[other] {
			return true
		}
	}
	return false
}

// fold puts one prefixed ACL in the place of several literal ones whose names begin with the prefix.
func (l *least) fold(prefix string) {
	siblings := map[authz.Binding][]authz.Binding{}
	for b := range l.acls {
		if b.Pattern == authz.Literal && strings.HasPrefix(b.Name, prefix) && b.Type != authz.Cluster {
			folded := b
			folded.Name, folded.Pattern = prefix, authz.Prefixed
			siblings[folded] = append(siblings[folded], b)
		}
	}
	for folded, of := range siblings {
		if len(of) < 2 {
			continue
		}
		l.acls[folded] = true
		for _, b := range of {
			delete(l.acls, b)
		}
	}
}
