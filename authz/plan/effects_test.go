package plan

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
)

func binding(p authz.Permission, principal, host string, pattern authz.PatternType, name string) authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: name, Pattern: pattern, Principal: principal, Host: host, Operation: authz.Read, Permission: p,
	}
}

// TestEffectsOfWhatOtherACLsSay: an ALLOW that a DENY hides gains nothing, nor does one of what is allowed anyway.
func TestEffectsOfWhatOtherACLsSay(t *testing.T) {
	const alice, anyHost = "User:alice", authz.AnyHost
	on := func(kind authz.PatternType, name string) Pattern {
		return Pattern{Type: authz.Topic, Kind: kind, Name: name}
	}
	reads := []authz.Operation{authz.Read, authz.Describe}
	for name, c := range map[string]struct {
		have, want []authz.Binding
		effects    []Effect
	}{
		"nothing": {},
		"hidden by a deny": {
			have: []authz.Binding{binding(authz.Deny, alice, anyHost, authz.Prefixed, "o")},
			want: []authz.Binding{binding(authz.Deny, alice, anyHost, authz.Prefixed, "o"), binding(authz.Allow, alice, anyHost, authz.Literal, "orders")},
			// DENY of READ denies no DESCRIBE, which ALLOW of READ implies.
			effects: []Effect{{Gains: true, Principal: alice, AnyHost: true, Operations: []authz.Operation{authz.Describe}, On: on(authz.Literal, "orders")}},
		},
		"allowed anyway": {
			have: []authz.Binding{binding(authz.Allow, "User:*", anyHost, authz.Literal, "*")},
			want: []authz.Binding{binding(authz.Allow, "User:*", anyHost, authz.Literal, "*"), binding(authz.Allow, alice, anyHost, authz.Literal, "orders")},
		},
		"a prefix in the place of a name": {
			have:    []authz.Binding{binding(authz.Allow, alice, anyHost, authz.Literal, "orders")},
			want:    []authz.Binding{binding(authz.Allow, alice, anyHost, authz.Prefixed, "orders")},
			effects: []Effect{{Gains: true, Principal: alice, AnyHost: true, Operations: reads, On: on(authz.Prefixed, "orders")}},
		},
		"from one host only": {
			have: []authz.Binding{binding(authz.Allow, alice, anyHost, authz.Literal, "t")},
			want: []authz.Binding{binding(authz.Allow, alice, "10.0.0.1", authz.Literal, "t")},
			effects: []Effect{
				{Principal: alice, AnyHost: true, Hosts: []string{"10.0.0.1"}, Operations: reads, On: on(authz.Literal, "t")},
			},
		},
		"everybody, but the one who may already": {
			have: []authz.Binding{binding(authz.Allow, alice, anyHost, authz.Literal, "t")},
			want: []authz.Binding{binding(authz.Allow, alice, anyHost, authz.Literal, "t"), binding(authz.Allow, "User:*", anyHost, authz.Literal, "t")},
			effects: []Effect{
				{Gains: true, Principal: "User:*", AnyHost: true, Operations: reads, On: on(authz.Literal, "t")},
			},
		},
	} {
		got, err := Effects(acl.Config{}, c.have, c.want)
		if diff := cmp.Diff(c.effects, got, cmp.Transformer("empty", func(s []string) int { return len(s) })); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestTooMuchToCompareIsSaid(t *testing.T) {
	want := []authz.Binding{binding(authz.Allow, "User:*", authz.AnyHost, authz.Literal, "t")}
	if _, err := effects(acl.Config{}, nil, want, len(authz.OperationsOn(authz.Topic))+1); err != nil {
		t.Error(err)
	}
	if _, err := effects(acl.Config{}, nil, want, len(authz.OperationsOn(authz.Topic))); !errors.Is(err, ErrTooMuch) {
		t.Error(err)
	}
}

// TestOneAmongManyWildcards: what does not change is not looked at. With each wildcard on each name this would take minutes.
func TestOneAmongManyWildcards(t *testing.T) {
	const names = 20_000
	have := make([]authz.Binding, 0, 2*names)
	for i := range names {
		have = append(have,
			binding(authz.Allow, fmt.Sprint("User:everywhere-", i), authz.AnyHost, authz.Literal, authz.Wildcard),
			binding(authz.Allow, fmt.Sprint("User:somewhere-", i), authz.AnyHost, authz.Literal, fmt.Sprint("t", i)))
	}
	got, err := Effects(acl.Config{}, have, have[1:])
	if err != nil || len(got) != names+1 {
		t.Errorf("%d effects, %v", len(got), err)
	}
	for _, e := range got {
		if e.Gains || e.Principal != "User:everywhere-0" || !e.AnyHost || len(e.Hosts) > 0 || len(e.Operations) != 2 {
			t.Errorf("%+v", e)
		}
	}
}
