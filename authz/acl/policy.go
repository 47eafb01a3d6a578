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
	superUsers map[auth.Principal]struct{}
	// superUsersBy are those of one listener, by its name.
	superUsersBy map[string]map[auth.Principal]struct{}
	allowIfNone  bool
	// impliedBy holds for each operation the operations whose ALLOW also allows it.
	impliedBy [operations]opSet
}

func newPolicy(cfg Config) *policy {
	p := &policy{superUsers: membersOf(cfg.SuperUsers), superUsersBy: map[string]map[auth.Principal]struct{}{}, allowIfNone: cfg.AllowIfNoACL}
	for listener, users := range cfg.SuperUsersBy {
		if listener != "" {
			p.superUsersBy[listener] = membersOf(users)
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

func membersOf(users []auth.Principal) map[auth.Principal]struct{} {
	out := make(map[auth.Principal]struct{}, len(users))
	for _, u := range users {
		if !u.IsZero() {
			out[u] = struct{}{}
		}
	}
	return out
}

func (p *policy) isSuper(who *authz.Subject) bool {
	if _, found := p.superUsers[who.Principal]; found {
		return true
	}
	_, found := p.superUsersBy[who.Listener][who.Principal]
	return found
}
