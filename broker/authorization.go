package broker

import (
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/broker/meta"
)

// open lets everybody who has logged in do everything: chronik.acl.enabled=false, which needs chronik.allow.insecure=true.
type open struct{}

var _ authz.Authorizer = open{}

// Pin implements authz.Authorizer.
func (open) Pin() authz.View { return open{} }

// Epoch implements authz.Authorizer.
func (open) Epoch() uint64 { return 0 }

// Decide implements authz.View.
func (open) Decide(authz.Subject, authz.Operation, authz.Resource) authz.Decision {
	return authz.Decision{Allowed: true, Reason: "ACLs are off"}
}

// DecideAny implements authz.View.
func (open) DecideAny(authz.Subject, authz.Operation, authz.ResourceType) authz.Decision {
	return authz.Decision{Allowed: true, Reason: "ACLs are off"}
}

// superUsersBy are the super users of single listeners.
func superUsersBy(listeners []Listener) map[string][]auth.Principal {
	out := map[string][]auth.Principal{}
	for i := range listeners {
		out[listeners[i].Name] = listeners[i].SuperUsers
	}
	return out
}

// feedAuthorizer returns a meta.Subscriber that keeps an authorizer in step with the ACLs of the metadata. The first call loads
// all of them; the later ones change what has changed, before the administrator who asked for it is answered.
func feedAuthorizer(a *acl.Authorizer) meta.Subscriber {
	loaded := false
	return func(_, next *meta.Image, d meta.Delta) {
		if loaded {
			a.Apply(d.Index, d.ACLs)
			return
		}
		loaded = true
		all := make([]authz.Binding, 0, next.ACLCount())
		next.ACLs(func(b authz.Binding) bool { all = append(all, b); return true })
		a.Load(next.Index(), all)
	}
}

// tellOfACLs returns a meta.Subscriber that calls a function when ACLs have changed. It has to follow the authorizer's.
func tellOfACLs(tell func()) meta.Subscriber {
	return func(_, _ *meta.Image, d meta.Delta) {
		if len(d.ACLs.Added)+len(d.ACLs.Removed) > 0 {
			tell()
		}
	}
}
