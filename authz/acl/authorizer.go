package acl

import (
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// The reasons that decisions are given with.
const (
	// ReasonInvalid denies a question that names no operation, no resource type or nobody.
	ReasonInvalid = "invalid question"
	// ReasonSuperUser allows a member of super.users, before anything else.
	ReasonSuperUser = "super user"
	// ReasonNotLoaded denies because the ACLs are not known yet.
	ReasonNotLoaded = "not loaded"
	// ReasonACL allows or denies by the ACL in Decision.Rule.
	ReasonACL = "ACL"
	// ReasonNoACL allows by allow.everyone.if.no.acl.found: no ACL of anybody speaks of the resource.
	ReasonNoACL = "no ACL found"
	// ReasonDefault denies because no ACL allows.
	ReasonDefault = "default deny"
)

// Config says what stands outside the ACLs.
type Config struct {
	// SuperUsers may do everything (super.users).
	SuperUsers []auth.Principal
	// SuperUsersBy may do everything where they have come in by the listener of that name (listener.name.NAME.super.users).
	SuperUsersBy map[string][]auth.Principal
	// AllowIfNoACL allows everybody what no ACL of anybody speaks of (allow.everyone.if.no.acl.found).
	AllowIfNoACL bool
}

// Authorizer decides by the ACLs that Load and Apply gave it. It is safe for concurrent use; deciding takes no lock.
type Authorizer struct {
	current atomic.Pointer[view]
	// writing keeps changes of the ACLs apart from each other; nobody who decides takes it.
	writing sync.Mutex
}

var _ authz.Authorizer = (*Authorizer)(nil)

// New returns an authorizer without ACLs: until Load it denies everybody but the super users.
func New(cfg Config) *Authorizer {
	a := &Authorizer{}
	a.current.Store(&view{policy: newPolicy(cfg), index: emptyIndex(cfg.AllowIfNoACL), generation: new(authz.Generation)})
	return a
}

// Pin returns the rules as they are now; the view never changes.
func (a *Authorizer) Pin() authz.View { return a.current.Load() }

// Epoch is the epoch of the view that Pin would return; 0 before Load.
func (a *Authorizer) Epoch() uint64 { return a.current.Load().epoch }

// Load replaces all ACLs by those of an image. Epochs only grow: a state that is older than the loaded one is ignored.
// A binding that authz.Binding.Validate refuses matches nobody and is left out.
func (a *Authorizer) Load(epoch uint64, bindings []authz.Binding) {
	a.writing.Lock()
	defer a.writing.Unlock()
	old := a.current.Load()
	if old.loaded && epoch < old.epoch {
		return
	}
	e := edit(emptyIndex(old.policy.allowIfNone))
	for i := range bindings {
		e.add(bindings[i])
	}
	a.current.Store(&view{policy: old.policy, epoch: epoch, loaded: true, index: e.finish(), generation: new(authz.Generation)})
}

// Apply changes the ACLs by the delta of one metadata command. A delta at or before the loaded epoch is part of what was
// loaded and is ignored; so is every delta before Load, which brings the whole.
func (a *Authorizer) Apply(epoch uint64, delta authz.BindingDelta) {
	a.writing.Lock()
	defer a.writing.Unlock()
	old := a.current.Load()
	if !old.loaded || epoch <= old.epoch || len(delta.Removed)+len(delta.Added) == 0 {
		return
	}
	e := edit(old.index)
	for i := range delta.Removed {
		e.remove(delta.Removed[i])
	}
	for i := range delta.Added {
		e.add(delta.Added[i])
	}
	a.current.Store(&view{policy: old.policy, epoch: epoch, loaded: true, index: e.finish(), generation: new(authz.Generation)})
}
