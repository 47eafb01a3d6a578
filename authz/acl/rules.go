package acl

import (
	"hash/maphash"
	"slices"

	"github.com/chronik-stream/chronik/authz"
)

// rules are the bindings of one holder on one pattern. They are immutable.
type rules struct {
	deny, allow opSet
	bindings    []authz.Binding
}

// with returns the rules with the binding, and whether that is a change: bindings are a set.
func (r *rules) with(b authz.Binding) (*rules, bool) {
	if r == nil {
		return newRules([]authz.Binding{b}), true
	}
	if slices.Contains(r.bindings, b) {
		return r, false
	}
	return newRules(append(slices.Clip(slices.Clone(r.bindings)), b)), true
}

// without returns the rules without the binding, nil when nothing is left, and whether that is a change.
func (r *rules) without(b authz.Binding) (*rules, bool) {
	if r == nil || !slices.Contains(r.bindings, b) {
		return r, false
	}
	if len(r.bindings) == 1 {
		return nil, true
	}
	left := make([]authz.Binding, 0, len(r.bindings)-1)
	for _, have := range r.bindings {
		if have != b {
			left = append(left, have)
		}
	}
	return newRules(left), true
}

func newRules(bindings []authz.Binding) *rules {
	r := &rules{bindings: bindings}
	for _, b := range bindings {
		if b.Permission == authz.Deny {
			r.deny |= setOf(b.Operation)
		} else {
			r.allow |= setOf(b.Operation)
		}
	}
	return r
}

// find returns the first binding with the permission and one of the operations; there is one. A single one is not looked at, since that
// is a line of memory more.
func (r *rules) find(p authz.Permission, ops opSet) *authz.Binding {
	for i := range r.bindings[:len(r.bindings)-1] {
		b := &r.bindings[i]
		if b.Permission == p && setOf(b.Operation)&ops != 0 {
			return b
		}
	}
	return &r.bindings[len(r.bindings)-1]
}

// scope are the bindings of one principal, for one host or any, on resources of one type. A scope in an index is immutable. What a decision
// reads of it is in one line of memory.
type scope struct {
	patterns[rules]
	// deny and allow have the operations of which there are bindings: what is not in them need not be searched for.
	deny, allow opSet
	// denies and allows count the bindings by operation.
	denies, allows [operations]int32
}

func (s *scope) empty() bool { return s.deny|s.allow == 0 }

// change adds a binding (by 1) or removes one (by -1), and reports whether that is a change.
func (s *scope) change(seed maphash.Seed, b authz.Binding, by int32) bool {
	apply := (*rules).with
	if by < 0 {
		apply = (*rules).without
	}
	next, changed := apply(s.get(seed, b.Pattern, b.Name), b)
	if !changed {
		return false
	}
	s.put(seed, b.Pattern, b.Name, next)
	set, counts := &s.allow, &s.allows
	if b.Permission == authz.Deny {
		set, counts = &s.deny, &s.denies
	}
	counts[b.Operation] += by
	*set &^= setOf(b.Operation)
	if counts[b.Operation] > 0 {
		*set |= setOf(b.Operation)
	}
	return true
}
