package rego

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/authz"
)

// Mode says who decides. The zero value is none.
type Mode uint8

// The modes. In each the super users may do everything, and what an ACL denies is denied.
const (
	// Policies lets the policies alone allow.
	Policies Mode = iota + 1
	// Both needs an ACL and the policies to allow.
	Both
	// Shadow decides by ACLs and asks the policies too, for the differences.
	Shadow
)

// The reasons of decisions by policies; what a policy says of why follows.
const (
	ReasonAllowed = "policy"
	ReasonDenied  = "denied by policy"
)

// Event is a decision that somebody may want to know of.
type Event struct {
	Question Question
	// ACL is what the ACLs say, Policy what the policies say.
	ACL, Policy authz.Decision
}

// Rules say how decisions are made of ACLs and policies.
type Rules struct {
	Mode Mode
	// ACLs decide before the policies. Their views can be compared, and are equal only where they are the same.
	ACLs   authz.Authorizer
	Engine *Engine
	// Differs, where set, is told in the mode Shadow where the policies do not agree with the ACLs; Noted where the policies allow and say
	// why. They are called when a question is evaluated, and not again while the decision is in the cache, by whoever asks.
	Differs, Noted func(Event)
}

// Authorizer decides by ACLs and policies. It is safe for concurrent use; deciding takes no lock.
type Authorizer struct {
	rules                 Rules
	wouldAllow, wouldDeny atomic.Uint64
	// pinned is the view that was made last.
	pinned atomic.Pointer[view]
}

var (
	_ authz.Authorizer = (*Authorizer)(nil)
	_ authz.Explainer  = (*view)(nil)
)

// NewAuthorizer returns an authorizer by rules.
func NewAuthorizer(r Rules) *Authorizer { return &Authorizer{rules: r} }

// Differences count the questions of the mode Shadow where the policies would have allowed what was denied, and denied what was allowed.
func (a *Authorizer) Differences() (wouldAllow, wouldDeny uint64) {
	return a.wouldAllow.Load(), a.wouldDeny.Load()
}

// Pin returns the rules as they are now. A view is good for a second, the shortest time that policies whose decisions are cached can see;
// others see the time itself.
func (a *Authorizer) Pin() authz.View {
	acls, s, now := a.rules.ACLs.Pin(), a.rules.Engine.current.Load(), a.rules.Engine.cfg.Clock()
	last := a.pinned.Load()
	if last != nil && last.acls == acls && last.policies == s && last.now.Unix() == now.Unix() && s.cache != nil {
		return last
	}
	v := &view{of: a, acls: acls, policies: s, now: now}
	a.pinned.Store(v)
	return v
}

// Epoch is the epoch of the view that Pin would return.
func (a *Authorizer) Epoch() uint64 {
	return a.epoch(a.rules.ACLs.Epoch(), a.rules.Engine.current.Load(), a.rules.Engine.cfg.Clock())
}

// epochStep is more than there are seconds until the year 2106: other policies are a later epoch even where those before looked at the time
// and these do not.
const epochStep = 1 << 32

// epoch grows with each change of the ACLs, of the policies, and of the time as far as the policies look at it.
func (a *Authorizer) epoch(acls uint64, s *state, now time.Time) uint64 {
	e := acls + s.epoch*epochStep
	if a.rules.Mode == Shadow {
		return acls
	}
	if tick := s.sight.tick(); tick > 0 {
		e += uint64(now.UnixNano() / int64(tick)) //nolint:gosec // after 1970
	}
	return e
}

// view is one state of the ACLs and the policies, at one time.
type view struct {
	of       *Authorizer
	acls     authz.View
	policies *state
	now      time.Time
}

// Epoch implements authz.View.
func (v *view) Epoch() uint64 { return v.of.epoch(v.acls.Epoch(), v.policies, v.now) }

// Decide implements authz.View.
func (v *view) Decide(who authz.Subject, op authz.Operation, on authz.Resource) authz.Decision {
	return v.combine(v.acls.Decide(who, op, on), &who, op, on, false)
}

// DecideAny implements authz.View.
func (v *view) DecideAny(who authz.Subject, op authz.Operation, t authz.ResourceType) authz.Decision {
	return v.combine(v.acls.DecideAny(who, op, t), &who, op, authz.Resource{Type: t}, true)
}

// combine is the decision by ACLs, or that of the policies where they have the last word.
func (v *view) combine(byACL authz.Decision, who *authz.Subject, op authz.Operation, on authz.Resource, anyOfType bool) authz.Decision {
	last := v.of.rules.Mode.after(byACL)
	switch last {
	case policiesDecide, policiesWatch:
	case aclsDecide:
		return byACL
	default:
		return v.of.rules.Mode.unknown()
	}
	q := v.of.rules.Engine.question()
	defer v.of.rules.Engine.done(q)
	q.Who, q.Op, q.On, q.AnyOfType, q.Now = *who, op, on, anyOfType, v.now
	o, fresh := v.of.rules.Engine.decide(v.policies, q)
	d := decisionOf(o)
	if last == policiesWatch {
		v.compare(q, byACL, d, fresh)
		return byACL
	}
	if fresh && d.Allowed && d.Reason != ReasonAllowed && v.of.rules.Noted != nil {
		v.of.rules.Noted(Event{Question: *q, ACL: byACL, Policy: d})
	}
	return d
}

// Explain implements authz.Explainer.
func (v *view) Explain(who authz.Subject, op authz.Operation, on authz.Resource) authz.Explanation {
	x := authz.Explanation{ACLs: v.acls.Decide(who, op, on)}
	x.Decision = x.ACLs
	last := v.of.rules.Mode.after(x.ACLs)
	switch last {
	case policiesDecide, policiesWatch:
		d := decisionOf(v.of.rules.Engine.try(v.policies, &Question{Who: who, Op: op, On: on, Now: v.now}))
		x.Policies = &d
	case aclsDecide:
	default:
		x.Decision = v.of.rules.Mode.unknown()
	}
	if last == policiesDecide {
		x.Decision = *x.Policies
	}
	return x
}

// say is who has the last word once the ACLs have decided. The zero value is nobody.
type say uint8

const (
	aclsDecide say = iota + 1
	policiesDecide
	policiesWatch
)

// after says who has the last word.
func (m Mode) after(byACL authz.Decision) say {
	denied := !byACL.Allowed && byACL.Rule != nil
	switch {
	case byACL.Final:
		return aclsDecide
	case m == Shadow:
		return policiesWatch
	case denied || m == Both && !byACL.Allowed:
		return aclsDecide
	case m == Policies || m == Both:
		return policiesDecide
	default:
		return 0
	}
}

// unknown is what a mode that there is not decides.
func (m Mode) unknown() authz.Decision {
	return authz.Decision{Reason: fmt.Sprintf("mode %d of the authorizer", m)}
}

func decisionOf(o Outcome) authz.Decision {
	d := authz.Decision{Allowed: o.Allowed, Reason: ReasonDenied}
	if o.Allowed {
		d.Reason = ReasonAllowed
	}
	if o.Reason != "" {
		d.Reason += ": " + o.Reason
	}
	return d
}

// compare records where the policies do not agree with the ACLs. What an ACL denies by name the policies could not allow.
func (v *view) compare(q *Question, byACL, d authz.Decision, fresh bool) {
	switch {
	case d.Allowed == byACL.Allowed || !byACL.Allowed && byACL.Rule != nil:
		return
	case d.Allowed:
		v.of.wouldAllow.Add(1)
	default:
		v.of.wouldDeny.Add(1)
	}
	if fresh && v.of.rules.Differs != nil {
		v.of.rules.Differs(Event{Question: *q, ACL: byACL, Policy: d})
	}
}
