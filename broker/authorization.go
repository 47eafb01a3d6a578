package broker

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/broker/meta"
)

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
