package acl

import (
	"slices"

	iradix "github.com/hashicorp/go-immutable-radix/v2"

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

// find returns the first binding with the permission and one of the operations, nil if there is none.
func (r *rules) find(p authz.Permission, ops opSet) *authz.Binding {
	for i := range r.bindings {
		b := &r.bindings[i]
		if b.Permission == p && setOf(b.Operation)&ops != 0 {
			return b
		}
	}
	return nil
}

// scope are the bindings of one holder on resources of one type. It is immutable, its trees may be nil.
type scope struct {
	wildcard *rules
	literal  *iradix.Tree[*rules]
	prefixed *iradix.Tree[*rules]
}

func (s *scope) empty() bool { return s.wildcard == nil && s.literal == nil && s.prefixed == nil }

// each calls visit for the rules that match the name, until it returns false.
func (s *scope) each(name []byte, visit func(*rules) bool) bool {
	if s.wildcard != nil && !visit(s.wildcard) {
		return false
	}
	if s.literal != nil {
		if r, found := s.literal.Get(name); found && !visit(r) {
			return false
		}
	}
	if s.prefixed == nil {
		return true
	}
	path := s.prefixed.Root().PathIterator(name)
	for _, r, more := path.Next(); more; _, r, more = path.Next() {
		if !visit(r) {
			return false
		}
	}
	return true
}

// holder is somebody whom bindings name: a principal and a host, either of which may be "any".
type holder struct {
	scopes [resourceTypes]scope
}

func (h *holder) empty() bool {
	for i := range h.scopes {
		if !h.scopes[i].empty() {
			return false
		}
	}
	return true
}
