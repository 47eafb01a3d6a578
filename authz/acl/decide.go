package acl

import (
	"github.com/chronik-stream/chronik/authz"
)

// keyRoom is how long a key may be before a decision allocates: topic names have 249 bytes at most.
const keyRoom = 256

// probeName is the resource name that Apache Kafka's authorizeByResourceType asks about first, so that super users and
// allow.everyone.if.no.acl.found count there too (org.apache.kafka.server.authorizer.Authorizer).
const probeName = "hardcode"

// view is one immutable state of the rules.
type view struct {
	policy *policy
	index  index
	epoch  uint64
	loaded bool
}

var _ authz.View = (*view)(nil)

// Epoch grows with each change of the ACLs.
func (v *view) Epoch() uint64 { return v.epoch }

// Decide answers for one operation on one resource.
func (v *view) Decide(who authz.Subject, op authz.Operation, on authz.Resource) authz.Decision {
	if d, decided := v.withoutACLs(&who, op, on.Type); decided {
		return d
	}
	var room [keyRoom]byte
	name := append(room[:0], on.Name...)
	var holders [4]*holder
	var allowed *authz.Binding
	denies, allows := setOf(op, authz.All), v.policy.impliedBy[op]
	for _, h := range holders[:v.index.holdersOf(&who, &holders)] {
		denied := h.scopes[on.Type].decide(name, denies, allows, &allowed)
		if denied != nil {
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

// decide returns the binding that denies, if one does, and else sets allowed to one that allows.
func (s *scope) decide(name []byte, denies, allows opSet, allowed **authz.Binding) *authz.Binding {
	var denied *authz.Binding
	s.each(name, func(r *rules) bool {
		if r.deny&denies != 0 {
			denied = r.find(authz.Deny, denies)
			return false
		}
		if *allowed == nil && r.allow&allows != 0 {
			*allowed = r.find(authz.Allow, allows)
		}
		return true
	})
	return denied
}

// holdersOf fills in the holders that the subject is one of and returns how many they are.
func (x *index) holdersOf(who *authz.Subject, found *[4]*holder) int {
	n := 0
	if x.everybody != nil {
		found[n], n = x.everybody, n+1
	}
	var room [keyRoom]byte
	anywhere := host{form: anyHost}
	if h, is := x.holders.Get(appendPrincipal(anywhere.appendKey(room[:0]), who.Principal)); is && h != x.everybody {
		found[n], n = h, n+1
	}
	if x.hostBound == 0 {
		return n
	}
	at := parseHost(who.Host)
	if at.form == anyHost {
		return n
	}
	if h, is := x.holders.Get(append(at.appendKey(room[:0]), everybody...)); is {
		found[n], n = h, n+1
	}
	if h, is := x.holders.Get(appendPrincipal(at.appendKey(room[:0]), who.Principal)); is {
		found[n], n = h, n+1
	}
	return n
}

// speaksOf reports whether any binding of anybody matches the resource.
func (x *index) speaksOf(on authz.Resource) bool {
	if x.patterns == nil {
		return false
	}
	var room [keyRoom]byte
	for _, name := range [2]string{on.Name, authz.Wildcard} {
		if _, found := x.patterns.Get(appendPattern(room[:0], on.Type, authz.Literal, name)); found {
			return true
		}
	}
	_, _, found := x.patterns.Root().LongestPrefix(appendPattern(room[:0], on.Type, authz.Prefixed, on.Name))
	return found
}

// DecideAny answers whether who may do op on at least one resource of type t, existing or not. As in Apache Kafka only
// bindings of the very operation, or of All, count, and an allowed pattern counts unless a denied one covers all of it.
func (v *view) DecideAny(who authz.Subject, op authz.Operation, t authz.ResourceType) authz.Decision {
	d := v.Decide(who, op, authz.Resource{Type: t, Name: probeName})
	if d.Allowed || d.Reason == ReasonInvalid || d.Reason == ReasonNotLoaded {
		return d
	}
	var room [4]*holder
	holders := room[:v.index.holdersOf(&who, &room)]
	ops := setOf(op, authz.All)
	for _, h := range holders {
		if w := h.scopes[t].wildcard; w != nil && w.deny&ops != 0 {
			return authz.Decision{Reason: ReasonACL, Rule: w.find(authz.Deny, ops)}
		}
	}
	for _, h := range holders {
		if rule := h.scopes[t].firstOpen(ops, t, holders); rule != nil {
			return authz.Decision{Allowed: true, Reason: ReasonACL, Rule: rule}
		}
	}
	return authz.Decision{Reason: ReasonDefault}
}

// firstOpen returns a binding of the scope that allows one of the operations on something that no holder is denied.
func (s *scope) firstOpen(ops opSet, t authz.ResourceType, holders []*holder) *authz.Binding {
	if s.wildcard != nil && s.wildcard.allow&ops != 0 {
		return s.wildcard.find(authz.Allow, ops)
	}
	var open *authz.Binding
	look := func(literal bool) func([]byte, *rules) bool {
		return func(name []byte, r *rules) bool {
			if r.allow&ops != 0 && !covered(name, literal, ops, t, holders) {
				open = r.find(authz.Allow, ops)
			}
			return open != nil
		}
	}
	if s.prefixed != nil {
		s.prefixed.Root().Walk(look(false))
	}
	if s.literal != nil && open == nil {
		s.literal.Root().Walk(look(true))
	}
	return open
}

// covered reports whether a denied pattern of one of the holders covers all of the pattern.
func covered(name []byte, literal bool, ops opSet, t authz.ResourceType, holders []*holder) bool {
	for _, h := range holders {
		s := &h.scopes[t]
		if literal && s.literal != nil {
			if r, found := s.literal.Get(name); found && r.deny&ops != 0 {
				return true
			}
		}
		if s.prefixed == nil {
			continue
		}
		path := s.prefixed.Root().PathIterator(name)
		for _, r, more := path.Next(); more; _, r, more = path.Next() {
			if r.deny&ops != 0 {
				return true
			}
		}
	}
	return false
}
