package acl

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/authz"
)

// TestTheNamedACLDecides: an explanation is what is decided, the ACL that it names applies, and each ACL that is named and then removed
// brings the next one or another outcome, until none is named.
func TestTheNamedACLDecides(t *testing.T) {
	const questionsPerSet = 50
	rapid.Check(t, func(t *rapid.T) {
		acls := rapid.SliceOfN(rapid.Custom(drawBinding), 0, 12).Draw(t, "ACLs")
		cfg := Config{AllowIfNoACL: rapid.Bool().Draw(t, "allow if none")}
		for range questionsPerSet {
			on := authz.Resource{Type: authz.Topic, Name: drawName(t, "name")}
			peel(t, cfg, acls, drawSubject(t), drawOperation(t), on)
		}
	})
}

// peel removes the ACL that is named until none is.
func peel(t *rapid.T, cfg Config, acls []authz.Binding, who authz.Subject, op authz.Operation, on authz.Resource) {
	for {
		view := loaded(cfg, acls...).Pin()
		x := authz.Explain(view, who, op, on)
		if d := view.Decide(who, op, on); x.Decision != d || x.ACLs != d || x.Policies != nil {
			t.Fatalf("explained as %+v, decided as %+v", x, d)
		}
		if want := (oracle{allowIfNoACL: cfg.AllowIfNoACL, acls: acls}).decide(who, op, on); x.Decision.Allowed != want {
			t.Fatalf("%+v, want %v", x.Decision, want)
		}
		if x.Decision.Rule == nil {
			noneApplies(t, acls, who, op, on)
			return
		}
		applies(t, *x.Decision.Rule, x.Decision.Allowed, who, op, on)
		left := slices.DeleteFunc(slices.Clone(acls), func(b authz.Binding) bool { return b == *x.Decision.Rule })
		if len(left) == len(acls) {
			t.Fatalf("%+v is none of the ACLs", *x.Decision.Rule)
		}
		acls = left
	}
}

func applies(t *rapid.T, b authz.Binding, allowed bool, who authz.Subject, op authz.Operation, on authz.Resource) {
	alone := oracle{acls: []authz.Binding{b}}
	permission := map[bool]authz.Permission{true: authz.Allow, false: authz.Deny}[allowed]
	means := b.Operation == op || b.Operation == authz.All || allowed && allows(b.Operation, op)
	if b.Permission != permission || !means || !b.Covers(on) || !alone.names(b, who) {
		t.Fatalf("%+v does not apply to %+v, %v on %q", b, who, op, on.Name)
	}
}

func noneApplies(t *rapid.T, acls []authz.Binding, who authz.Subject, op authz.Operation, on authz.Resource) {
	for _, b := range acls {
		if (oracle{}).names(b, who) && b.Covers(on) && (b.Permission == authz.Allow && allows(b.Operation, op) || b.Operation == op) {
			t.Fatalf("%+v applies to %+v, %v on %q, and is not named", b, who, op, on.Name)
		}
	}
}
