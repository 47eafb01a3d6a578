package acl

import (
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

const (
	// operations is the size of tables by operation.
	operations = int(authz.TwoPhaseCommit) + 1
	// resourceTypes is the size of tables by resource type.
	resourceTypes = int(authz.UserResource) + 1
)

// opSet is a set of operations, a bit each.
type opSet uint32

func setOf(ops ...authz.Operation) opSet {
	var s opSet
	for _, o := range ops {
		s |= 1 << o
	}
	return s
}

// policy is what does not change while the authorizer lives.
type policy struct {
	superUsers  map[auth.Principal]struct{}
	allowIfNone bool
	// impliedBy holds for each operation the operations whose ALLOW also allows it.
	impliedBy [operations]opSet
}

func newPolicy(cfg Config) *policy {
	p := &policy{superUsers: make(map[auth.Principal]struct{}, len(cfg.SuperUsers)), allowIfNone: cfg.AllowIfNoACL}
	for _, u := range cfg.SuperUsers {
		if !u.IsZero() {
			p.superUsers[u] = struct{}{}
		}
	}
	for wanted := authz.All; wanted <= authz.TwoPhaseCommit; wanted++ {
		for o := authz.All; o <= authz.TwoPhaseCommit; o++ {
			if o.Implies(wanted) {
				p.impliedBy[wanted] |= setOf(o)
			}
		}
	}
	return p
}

func (p *policy) isSuper(who auth.Principal) bool {
	_, found := p.superUsers[who]
	return found
}
