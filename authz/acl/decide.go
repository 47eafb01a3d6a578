package acl

import (
	"hash/maphash"

	"github.com/chronik-stream/chronik/authz"
)

// maxScopes is how many scopes a decision has to do with: what the principal and what everybody holds, from any host and from this one.
const maxScopes = 4

// probeName is the resource name that Apache Kafka's authorizeByResourceType asks about first, so that super users and
// allow.everyone.if.no.acl.found count there too (org.apache.kafka.server.authorizer.Authorizer).
const probeName = "hardcode"

// view is one immutable state of the rules.
type view struct {
	policy *policy
	index  index
	epoch  uint64
	loaded bool
	// generation is this view's alone.
	generation *authz.Generation
}

var _ authz.Lasting = (*view)(nil)

// Epoch grows with each change of the ACLs.
func (v *view) Epoch() uint64 { return v.epoch }

// Generation implements authz.Lasting.
func (v *view) Generation() *authz.Generation { return v.generation }

// Decide answers for one operation on one resource.
func (v *view) Decide(who authz.Subject, op authz.Operation, on authz.Resource) authz.Decision {
	if d, decided := v.withoutACLs(&who, op, on.Type); decided {
		return d
	}
	var room [maxScopes]*scope
	var allowed *authz.Binding
	denies, allows := setOf(op, authz.All), v.policy.impliedBy[op]
	for _, s := range v.index.scopesOf(&who, on.Type, &room) {
		if denied := s.decide(v.index.seed, on.Name, denies, allows, &allowed); denied != nil {
			return authz.Decision{Reason: ReasonACL, Rule: denied}
		}
	}
	if allowed != nil {
		return authz.Decision{Allowed: true, Reason: ReasonACL, Rule: allowed}
	}
	if v.policy.allowIfNone && !v.index.speaksOf(on) {
		return authz.Decision{Allowed: true, Reason: ReasonNoACL}
	}
	return authz.Decision{Reason: ReasonDefault}
}

// withoutACLs decides what no ACL has a say in.
func (v *view) withoutACLs(who *authz.Subject, op authz.Operation, t authz.ResourceType) (authz.Decision, bool) {
	switch {
	case !op.Concrete() || !t.Concrete() || who.Principal.IsZero():
		return authz.Decision{Final: true, Reason: ReasonInvalid}, true
	case v.policy.isSuper(who):
		return authz.Decision{Allowed: true, Final: true, Reason: ReasonSuperUser}, true
	case !v.loaded:
		return authz.Decision{Final: true, Reason: ReasonNotLoaded}, true
	default:
		return authz.Decision{}, false
	}
}

// decide returns the binding that denies, if one does, and else sets allowed to one that allows. It looks no further than it may find
// something of either.
func (s *scope) decide(seed maphash.Seed, name string, denies, allows opSet, allowed **authz.Binding) *authz.Binding {
	denies &= s.deny
	if *allowed != nil || allows&s.allow == 0 {
		allows = 0
	}
	if denies|allows == 0 {
		return nil
	}
	var denied *authz.Binding
	s.each(seed, name, func(r *rules) bool {
		if r.deny&denies != 0 {
			denied = r.find(authz.Deny, denies)
			return false
		}
		if r.allow&allows != 0 {
			*allowed, allows = r.find(authz.Allow, allows), 0
		}
		return denies|allows != 0
	})
	return denied
}

// scopesOf returns, in room, the scopes of a resource type that the subject's rules are in.
func (x *index) scopesOf(who *authz.Subject, t authz.ResourceType, room *[maxScopes]*scope) []*scope {
	found := room[:0]
	holdings := [2]*holding{x.everybody[t], x.holdingOf(&holder{who.Principal, t})}
	if holdings[0] == holdings[1] {
		holdings[0] = nil
	}
	var at host
	for _, h := range holdings {
		if h == nil {
			continue
		}
		if h.anywhere != nil {
			found = append(found, h.anywhere)
		}
		if h.at.root == nil {
			continue
		}
		if at.form == 0 {
			at = parseHost(who.Host)
		}
		if s := h.at.get(maphash.Comparable(x.seed, at), at); s != nil {
			found = append(found, *s)
		}
	}
	return found
}

// speaksOf reports whether any binding of anybody matches the resource.
func (x *index) speaksOf(on authz.Resource) bool {
	return !x.spoken[on.Type].each(x.seed, on.Name, func(*int) bool { return false })
}

// DecideAny answers whether who may do op on at least one resource of type t, existing or not. As in Apache Kafka only
// bindings of the very operation, or of All, count, and an allowed pattern counts unless a denied one covers all of it.
func (v *view) DecideAny(who authz.Subject, op authz.Operation, t authz.ResourceType) authz.Decision {
	d := v.Decide(who, op, authz.Resource{Type: t, Name: probeName})
	if d.Allowed || d.Reason == ReasonInvalid || d.Reason == ReasonNotLoaded {
		return d
	}
	var room [maxScopes]*scope
	scopes := v.index.scopesOf(&who, t, &room)
	ops := setOf(op, authz.All)
	for _, s := range scopes {
		if s.wildcard != nil && s.wildcard.deny&ops != 0 {
			return authz.Decision{Reason: ReasonACL, Rule: s.wildcard.find(authz.Deny, ops)}
		}
	}
	for _, s := range scopes {
		if rule := v.index.firstOpen(s, ops, scopes); rule != nil {
			return authz.Decision{Allowed: true, Reason: ReasonACL, Rule: rule}
		}
	}
	return authz.Decision{Reason: ReasonDefault}
}

// firstOpen returns a binding of the scope that allows one of the operations on something that none of the scopes denies.
func (x *index) firstOpen(s *scope, ops opSet, scopes []*scope) *authz.Binding {
	switch {
	case s.allow&ops == 0:
		return nil
	case s.wildcard != nil && s.wildcard.allow&ops != 0:
		return s.wildcard.find(authz.Allow, ops)
	}
	var open *authz.Binding
	look := func(kind authz.PatternType) func(string, *rules) bool {
		return func(name string, r *rules) bool {
			if r.allow&ops != 0 && !x.covered(kind, name, ops, scopes) {
				open = r.find(authz.Allow, ops)
			}
			return open == nil
		}
	}
	if s.prefixed.each(look(authz.Prefixed)) {
		s.literal.each(look(authz.Literal))
	}
	return open
}

// covered reports whether a denied pattern of one of the scopes covers all of the pattern.
func (x *index) covered(kind authz.PatternType, name string, ops opSet, scopes []*scope) bool {
	for _, s := range scopes {
		if s.deny&ops == 0 {
			continue
		}
		if kind == authz.Literal {
			if r := s.get(x.seed, kind, name); r != nil && r.deny&ops != 0 {
				return true
			}
		}
		if !s.eachPrefix(x.seed, name, func(r *rules) bool { return r.deny&ops == 0 }) {
			return true
		}
	}
	return false
}
