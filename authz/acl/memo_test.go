package acl

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// TestMemoAnswersAsTheRules: subjects take turns with one memo while the ACLs change, and whatever is asked is granted, by the same ACLs, as
// without it.
func TestMemoAnswersAsTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := New(Config{
			SuperUsers: []auth.Principal{auth.User("root")}, SuperUsersBy: map[string][]auth.Principal{"INSIDE": {auth.User("a")}},
			AllowIfNoACL: rapid.Bool().Draw(t, "allow if none"),
		})
		memo, granted := &authz.Memo{}, &authz.Granted{}
		who := authz.Subject{Principal: auth.User("a"), Host: "10.0.0.1", Session: &auth.Session{}}
		var acls []authz.Binding
		for epoch := range uint64(20) {
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				acls = rapid.SliceOfN(rapid.Custom(drawBinding), 0, 8).Draw(t, "loaded")
				a.Load(epoch, acls)
			case 1:
				added := rapid.SliceOfN(rapid.Custom(drawBinding), 0, 3).Draw(t, "added")
				a.Apply(epoch, authz.BindingDelta{Removed: acls[:len(acls)/2], Added: added})
				acls = append(slices.Clone(acls[len(acls)/2:]), added...)
			case 2:
				who = another(t, who)
			default: // all stays as it is
			}
			for range 3 {
				sameGrants(t, a.Pin(), who, drawNeeds(t), granted, memo)
			}
		}
	})
}

// another subject differs in one thing.
func another(t *rapid.T, who authz.Subject) authz.Subject {
	switch other := drawSubject(t); rapid.IntRange(0, 3).Draw(t, "another") {
	case 0:
		who.Session = rapid.SampledFrom([]*auth.Session{nil, {}}).Draw(t, "session")
	case 1:
		who.Listener = rapid.SampledFrom([]string{"", "INSIDE"}).Draw(t, "listener")
	case 2:
		who.Host = other.Host
	default:
		who.Principal = other.Principal
	}
	return who
}

func drawNeeds(t *rapid.T) (needs authz.Needs) {
	need := rapid.Custom(func(t *rapid.T) authz.Need {
		on := func(label string) authz.Resource {
			kind := rapid.SampledFrom([]authz.ResourceType{authz.Topic, authz.Topic, authz.Group}).Draw(t, "type")
			return authz.Resource{Type: kind, Name: rapid.SampledFrom([]string{"a", "ab", "b"}).Draw(t, label)}
		}
		n := authz.Need{
			Op: rapid.SampledFrom([]authz.Operation{authz.Write, authz.Describe}).Draw(t, "operation"), On: on("resource"),
			AnyOfType: rapid.IntRange(0, 9).Draw(t, "any of type") == 0,
		}
		if rapid.IntRange(0, 3).Draw(t, "second") == 0 {
			n.OrOn = on("or")
		}
		return n
	})
	needs.All = rapid.SliceOfN(need, 0, 1).Draw(t, "all")
	needs.Any = rapid.SliceOfN(need, 0, 2).Draw(t, "any")
	needs.Each = rapid.SliceOfN(need, 0, 3).Draw(t, "each")
	return needs
}

// told is what somebody is told of an answer.
type told struct {
	need     authz.Need
	decision authz.Decision
}

func sameGrants(t *rapid.T, view authz.View, who authz.Subject, needs authz.Needs, granted *authz.Granted, memo *authz.Memo) {
	want, wantRefused := authz.Grant(view, who, needs)
	if refused := granted.Renew(view, who, needs, memo); refused != wantRefused {
		t.Fatalf("%v: refused by %+v, want %+v", who, refused, wantRefused)
	}
	for i, has := range [][2][]told{{usesOf(granted), usesOf(want)}, {denialsOf(granted), denialsOf(want)}} {
		if !slices.Equal(has[0], has[1]) {
			t.Fatalf("%v: %s %+v, want %+v", who, [...]string{"uses", "denials"}[i], has[0], has[1])
		}
	}
	for _, n := range slices.Concat(needs.All, needs.Any, needs.Each) {
		if granted.Met(n) != want.Met(n) {
			t.Fatalf("%v: %+v is met: %v", who, n, granted.Met(n))
		}
	}
}

func usesOf(g *authz.Granted) (all []told) {
	g.Uses(func(need *authz.Need, _ []authz.Need, decision *authz.Decision) {
		all = append(all, told{*need, *decision})
	})
	return all
}

func denialsOf(g *authz.Granted) (all []told) {
	g.Denials(func(need authz.Need, decision authz.Decision) bool {
		all = append(all, told{need, decision})
		return true
	})
	return all
}
