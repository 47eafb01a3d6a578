package meta_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
)

// TestMatchingACLsAreAllThatTheFilterMatches compares the search that skips what a filter cannot match with one that looks at all.
func TestMatchingACLsAreAllThatTheFilterMatches(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := newCluster(t)
		acls := rapid.SliceOfN(rapid.Custom(drawBindingOfFew), 1, 20).Draw(r, "acls")
		c.mustApply(&meta.CreateACLs{Origin: origin, Bindings: acls})
		f := drawFilterOfFew(r)
		var want, got []authz.Binding
		c.img.ACLs(func(b authz.Binding) bool {
			if f.Matches(b) {
				want = append(want, b)
			}
			return true
		})
		c.img.MatchingACLs(f, func(b authz.Binding) bool { got = append(got, b); return true })
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("%+v matches (-all +found):\n%s", f, diff)
		}
	})
}

func drawBindingOfFew(t *rapid.T) authz.Binding {
	return authz.Binding{
		Type: rapid.SampledFrom([]authz.ResourceType{authz.Topic, authz.Group}).Draw(t, "type"), Name: rapid.SampledFrom([]string{"*", "a", "ab", "a\x00", "b"}).Draw(t, "name"),
		Pattern:   rapid.SampledFrom([]authz.PatternType{authz.Literal, authz.Prefixed}).Draw(t, "pattern"),
		Principal: rapid.SampledFrom([]string{"User:a", "User:ab"}).Draw(t, "principal"), Host: rapid.SampledFrom([]string{"*", "h"}).Draw(t, "host"),
		Operation: rapid.SampledFrom([]authz.Operation{authz.Read, authz.Write}).Draw(t, "operation"), Permission: authz.Allow,
	}
}

// drawFilterOfFew draws a filter of some of the fields of an ACL.
func drawFilterOfFew(t *rapid.T) authz.Filter {
	b := drawBindingOfFew(t)
	return authz.Filter{
		Type:    rapid.SampledFrom([]authz.ResourceType{b.Type, authz.AnyResource}).Draw(t, "filter's type"),
		Pattern: rapid.SampledFrom([]authz.PatternType{b.Pattern, authz.AnyPattern, authz.Match}).Draw(t, "filter's pattern"),
		Name:    rapid.SampledFrom([]*string{nil, &b.Name}).Draw(t, "filter's name"), Principal: rapid.SampledFrom([]*string{nil, &b.Principal}).Draw(t, "filter's principal"),
		Host:       rapid.SampledFrom([]*string{nil, &b.Host}).Draw(t, "filter's host"),
		Operation:  rapid.SampledFrom([]authz.Operation{b.Operation, authz.AnyOperation}).Draw(t, "filter's operation"),
		Permission: authz.AnyPermission,
	}
}

// BenchmarkACLAmong100000 creates and deletes one ACL, as the metadata log applies it.
func BenchmarkACLAmong100000(b *testing.B) {
	c := newCluster(b)
	acls := make([]authz.Binding, 100_000)
	for i := range acls {
		acls[i] = readACL(fmt.Sprintf("team-%d.orders-%d", i%1000, i))
	}
	c.mustApply(&meta.CreateACLs{Origin: origin, Bindings: acls})
	c.mustApply(&meta.AuditProjected{UpTo: math.MaxUint64})
	one := readACL("one-more")
	create := &meta.CreateACLs{Origin: origin, Bindings: []authz.Binding{one}}
	remove := &meta.DeleteACLs{Origin: origin, Filters: []authz.Filter{{
		Type: one.Type, Pattern: one.Pattern, Name: &one.Name, Operation: authz.AnyOperation, Permission: authz.AnyPermission,
	}}}
	for b.Loop() {
		c.mustApply(create)
		if delta := c.mustApply(remove); len(delta.ACLs.Removed) != 1 {
			b.Fatalf("removed %+v", delta.ACLs.Removed)
		}
		c.mustApply(&meta.AuditProjected{UpTo: math.MaxUint64})
	}
}
