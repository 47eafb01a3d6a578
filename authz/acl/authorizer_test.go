package acl

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

func allow(principal string, op authz.Operation, pattern authz.PatternType, name string) authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: name, Pattern: pattern, Principal: principal, Host: "*", Operation: op, Permission: authz.Allow,
	}
}

func deny(principal string, op authz.Operation, pattern authz.PatternType, name string) authz.Binding {
	b := allow(principal, op, pattern, name)
	b.Permission = authz.Deny
	return b
}

func at(b authz.Binding, host string) authz.Binding {
	b.Host = host
	return b
}

func topic(name string) authz.Resource { return authz.Resource{Type: authz.Topic, Name: name} }

func from(user, host string) authz.Subject {
	return authz.Subject{Principal: auth.User(user), Host: host}
}

func loaded(cfg Config, bindings ...authz.Binding) *Authorizer {
	a := New(cfg)
	a.Load(1, bindings)
	return a
}

func TestDecide(t *testing.T) {
	everyone, alice := "User:*", "User:alice"
	cases := map[string]struct {
		acls []authz.Binding
		op   authz.Operation
		on   string
		want authz.Decision
	}{
		"nothing allows": {op: authz.Read, on: "t", want: authz.Decision{Reason: ReasonDefault}},
		"a prefixed deny beats a literal allow": {
			acls: []authz.Binding{allow(alice, authz.Read, authz.Literal, "tick"), deny(everyone, authz.Read, authz.Prefixed, "ti")},
			op:   authz.Read, on: "tick", want: authz.Decision{Reason: ReasonACL},
		},
		"an allow of another's is none": {
			acls: []authz.Binding{allow("User:bob", authz.Read, authz.Literal, "t")},
			op:   authz.Read, on: "t", want: authz.Decision{Reason: ReasonDefault},
		},
		"write implies describe": {
			acls: []authz.Binding{allow(alice, authz.Write, authz.Literal, "t")},
			op:   authz.Describe, on: "t", want: authz.Decision{Allowed: true, Reason: ReasonACL},
		},
		"a deny of read denies no describe": {
			acls: []authz.Binding{allow(alice, authz.Write, authz.Literal, "t"), deny(alice, authz.Read, authz.Literal, "t")},
			op:   authz.Describe, on: "t", want: authz.Decision{Allowed: true, Reason: ReasonACL},
		},
		"a deny of all denies all": {
			acls: []authz.Binding{allow(alice, authz.All, authz.Literal, "*"), deny(everyone, authz.All, authz.Literal, "*")},
			op:   authz.Describe, on: "t", want: authz.Decision{Reason: ReasonACL},
		},
		"a prefixed star is no wildcard": {
			acls: []authz.Binding{allow(alice, authz.All, authz.Prefixed, "*")},
			op:   authz.Read, on: "t", want: authz.Decision{Reason: ReasonDefault},
		},
		"the wildcard covers names that begin with a star": {
			acls: []authz.Binding{allow(alice, authz.Read, authz.Prefixed, "*x"), deny(everyone, authz.Read, authz.Literal, "*")},
			op:   authz.Read, on: "*x", want: authz.Decision{Reason: ReasonACL},
		},
		"an unknown operation is denied even to super users": {op: authz.UnknownOperation, on: "t", want: authz.Decision{Reason: ReasonInvalid}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := loaded(Config{}, c.acls...).Pin().Decide(from("alice", "10.0.0.1"), c.op, topic(c.on))
			if got.Allowed != c.want.Allowed || got.Reason != c.want.Reason || (got.Rule != nil) != (got.Reason == ReasonACL) {
				t.Errorf("decided %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestDecisionNamesTheRule(t *testing.T) {
	rule := at(deny("User:alice", authz.Read, authz.Prefixed, "t"), "10.0.0.1")
	v := loaded(Config{}, allow("User:*", authz.All, authz.Literal, "*"), rule).Pin()
	if got := v.Decide(from("alice", "10.0.0.1"), authz.Read, topic("tt")); got.Rule == nil || *got.Rule != rule {
		t.Errorf("the deny is by %+v, want %+v", got.Rule, rule)
	}
	if got := v.Decide(from("alice", "10.0.0.2"), authz.Read, topic("tt")); !got.Allowed {
		t.Errorf("another host is denied: %+v", got)
	}
}

func TestHostsCompareAsAddresses(t *testing.T) {
	v := loaded(Config{}, at(allow("User:a", authz.Read, authz.Literal, "t"), "2001:DB8:0:0:0:0:0:1"),
		at(allow("User:b", authz.Read, authz.Literal, "t"), "10.0.0.1")).Pin()
	for _, who := range []authz.Subject{from("a", "2001:db8::1"), from("b", "::ffff:10.0.0.1")} {
		if !v.Decide(who, authz.Read, topic("t")).Allowed {
			t.Errorf("%v is denied", who)
		}
	}
}

func TestSpellingsOfAHostAreTwoACLs(t *testing.T) {
	short := at(allow("User:a", authz.Read, authz.Literal, "t"), "2001:db8::1")
	long := at(short, "2001:db8:0:0:0:0:0:1")
	a := loaded(Config{}, short, long)
	a.Apply(2, authz.BindingDelta{Removed: []authz.Binding{short}})
	if !a.Pin().Decide(from("a", "2001:db8::1"), authz.Read, topic("t")).Allowed {
		t.Error("removing one spelling removed the other")
	}
}

func TestNobodyIsDenied(t *testing.T) {
	v := loaded(Config{AllowIfNoACL: true, SuperUsers: []auth.Principal{{}}}, allow("User:*", authz.All, authz.Literal, "*")).Pin()
	if d := v.Decide(authz.Subject{Host: "10.0.0.1"}, authz.Read, topic("t")); d.Allowed {
		t.Errorf("a subject without principal is allowed: %+v", d)
	}
}

// TestSuperUsersOfAListener may do everything where they have come in by it, and where nobody says by which they may not.
func TestSuperUsersOfAListener(t *testing.T) {
	v := loaded(Config{
		SuperUsers:   []auth.Principal{auth.User("root")},
		SuperUsersBy: map[string][]auth.Principal{"INSIDE": {auth.User("alice"), {}}, "": {auth.User("alice"), auth.User("bob")}},
	}).Pin()
	for _, test := range []struct {
		user, listener string
		want           bool
	}{
		{"alice", "INSIDE", true},
		{"alice", "OUTSIDE", false},
		{"alice", "inside", false},
		{"alice", "", false},
		{"bob", "", false},
		{"bob", "INSIDE", false},
		{"root", "OUTSIDE", true},
		{"root", "", true},
	} {
		who := authz.Subject{Principal: auth.User(test.user), Host: "10.0.0.1", Listener: test.listener}
		one, some := v.Decide(who, authz.Alter, authz.TheCluster()), v.DecideAny(who, authz.Read, authz.Topic)
		if one.Allowed != test.want || some.Allowed != test.want || test.want && one.Reason != ReasonSuperUser {
			t.Errorf("%s by %q: %+v, %+v", test.user, test.listener, one, some)
		}
	}
	if d := v.Decide(authz.Subject{Host: "10.0.0.1", Listener: "INSIDE"}, authz.Read, topic("t")); d.Allowed {
		t.Errorf("nobody is a super user: %+v", d)
	}
}

func TestBeforeLoadOnlySuperUsers(t *testing.T) {
	a := New(Config{SuperUsers: []auth.Principal{auth.User("root")}, AllowIfNoACL: true})
	a.Apply(7, authz.BindingDelta{Added: []authz.Binding{allow("User:*", authz.All, authz.Literal, "*")}})
	if d := a.Pin().Decide(from("alice", "::1"), authz.Read, topic("t")); d.Allowed || d.Reason != ReasonNotLoaded {
		t.Errorf("decided %+v before Load", d)
	}
	if d := a.Pin().DecideAny(from("alice", "::1"), authz.Read, authz.Topic); d.Allowed || d.Reason != ReasonNotLoaded {
		t.Errorf("decided %+v for any before Load", d)
	}
	if d := a.Pin().Decide(from("root", "::1"), authz.Read, topic("t")); !d.Allowed || d.Reason != ReasonSuperUser {
		t.Errorf("a super user gets %+v before Load", d)
	}
	if a.Epoch() != 0 {
		t.Errorf("epoch %d before Load", a.Epoch())
	}
}

func TestOldChangesAreIgnored(t *testing.T) {
	b := allow("User:alice", authz.Read, authz.Literal, "t")
	a := New(Config{})
	a.Load(5, []authz.Binding{b})
	a.Apply(5, authz.BindingDelta{Removed: []authz.Binding{b}})
	a.Load(4, nil)
	if d := a.Pin().Decide(from("alice", "::1"), authz.Read, topic("t")); !d.Allowed || a.Epoch() != 5 {
		t.Errorf("an old change counted: %+v at epoch %d", d, a.Epoch())
	}
}

func TestAViewNeverChanges(t *testing.T) {
	b := allow("User:alice", authz.Read, authz.Prefixed, "t")
	a := loaded(Config{}, b)
	old := a.Pin()
	a.Apply(2, authz.BindingDelta{Removed: []authz.Binding{b}})
	if !old.Decide(from("alice", "::1"), authz.Read, topic("t")).Allowed || old.Epoch() != 1 {
		t.Error("the pinned view changed")
	}
	if a.Pin().Decide(from("alice", "::1"), authz.Read, topic("t")).Allowed || a.Epoch() != 2 {
		t.Error("the removal does not show")
	}
}

func TestIndexIsEmptyAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		acls := rapid.SliceOfN(rapid.Custom(drawBinding), 0, 20).Draw(t, "acls")
		a := loaded(Config{AllowIfNoACL: true}, acls...)
		a.Apply(2, authz.BindingDelta{Removed: acls})
		x := a.current.Load().index
		if x.held.root != nil || x.everybody != [resourceTypes]*holding{} {
			t.Fatalf("left over: %+v", x)
		}
		for _, p := range x.spoken {
			if p.wildcard != nil || p.literal.root != nil || p.prefixed.root != nil || len(p.lengths) > 0 {
				t.Fatalf("patterns left over: %+v", p)
			}
		}
	})
}

// TestAgainstOracle changes the ACLs step by step and compares every answer with the oracle's.
func TestAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := oracle{supers: []auth.Principal{auth.User("root")}, allowIfNoACL: rapid.Bool().Draw(t, "allow if none")}
		o.acls = rapid.SliceOfNDistinct(rapid.Custom(drawBinding), 0, 12, rapid.ID).Draw(t, "acls")
		a := New(Config{SuperUsers: o.supers, AllowIfNoACL: o.allowIfNoACL})
		a.Load(1, o.acls)
		for epoch := range uint64(3) {
			compare(t, a, o)
			var d authz.BindingDelta
			if len(o.acls) > 0 {
				d.Removed = rapid.SliceOfNDistinct(rapid.SampledFrom(o.acls), 0, len(o.acls), rapid.ID).Draw(t, "removed")
			}
			d.Added = rapid.SliceOfN(rapid.Custom(drawBinding), 0, 4).Draw(t, "added")
			o.acls = slices.DeleteFunc(slices.Clone(o.acls), func(b authz.Binding) bool { return slices.Contains(d.Removed, b) })
			for _, b := range d.Added {
				if !slices.Contains(o.acls, b) {
					o.acls = append(o.acls, b)
				}
			}
			a.Apply(epoch+2, d)
		}
		compare(t, a, o)
	})
}

func compare(t *rapid.T, a *Authorizer, o oracle) {
	v := a.Pin()
	for range 8 {
		who, op := drawSubject(t), drawOperation(t)
		on := authz.Resource{Type: authz.Topic, Name: drawName(t, "resource")}
		if got, want := v.Decide(who, op, on), o.decide(who, op, on); got.Allowed != want {
			t.Fatalf("%v %v on %v: %+v, want %v; ACLs %+v", who, op, on, got, want, o.acls)
		}
		if got, want := v.DecideAny(who, op, authz.Topic), o.decideAny(who, op, authz.Topic); got.Allowed != want {
			t.Fatalf("%v %v on any: %+v, want %v; ACLs %+v", who, op, got, want, o.acls)
		}
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	acls := append(manyACLs(1000), at(deny("User:user-1", authz.Read, authz.Prefixed, "x"), "10.0.0.1"))
	v := loaded(Config{AllowIfNoACL: true}, acls...).Pin()
	who, on := from("user-7", "2001:db8::1"), topic("topic-7-of-a-usual-length-of-name-in-production")
	allocated := testing.AllocsPerRun(1000, func() {
		v.Decide(who, authz.Read, on)
		v.Decide(who, authz.Describe, topic("team-7.orders"))
		v.Decide(from("nobody", "10.0.0.1"), authz.Write, topic("elsewhere"))
	})
	if allocated != 0 {
		t.Errorf("%v allocations per decision", allocated)
	}
}

func TestDecidingWhileChanging(t *testing.T) {
	b := allow("User:alice", authz.Read, authz.Literal, "t")
	always := allow("User:alice", authz.Write, authz.Prefixed, "t")
	a := loaded(Config{}, always)
	var deciders sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		deciders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !a.Pin().Decide(from("alice", "::1"), authz.Write, topic("t")).Allowed {
					t.Error("an ACL that is always there did not count")
					return
				}
			}
		})
	}
	for epoch := uint64(2); epoch < 500; epoch += 2 {
		a.Apply(epoch, authz.BindingDelta{Added: []authz.Binding{b}})
		a.Apply(epoch+1, authz.BindingDelta{Removed: []authz.Binding{b}})
	}
	close(stop)
	deciders.Wait()
	if a.Epoch() != 499 {
		t.Errorf("epoch %d", a.Epoch())
	}
}

// TestLengthsOfPrefixes: every prefix of a name counts, of whatever length, and none that is gone.
func TestLengthsOfPrefixes(t *testing.T) {
	name := "abcdefgh"
	var acls []authz.Binding
	for n := 1; n <= len(name); n++ {
		acls = append(acls, allow("User:alice", authz.Read, authz.Prefixed, name[:n]), allow("User:alice", authz.Read, authz.Prefixed, "xyzxyzxy"[:n]))
	}
	a := loaded(Config{}, acls...)
	for n := range name {
		a.Apply(uint64(n)+2, authz.BindingDelta{Removed: acls[2*n : 2*n+1]}) //nolint:gosec // not negative
		d := a.Pin().Decide(from("alice", "::1"), authz.Read, topic(name))
		switch last := n == len(name)-1; {
		case d.Allowed == last:
			t.Errorf("without the first %d prefixes: %+v", n+1, d)
		case !last && d.Rule.Name != name:
			t.Errorf("the longest prefix does not decide but %q", d.Rule.Name)
		}
	}
}
