package acl

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// oracle says what Apache Kafka's authorizer would, by looking at every ACL in turn.
type oracle struct {
	supers       []auth.Principal
	allowIfNoACL bool
	acls         []authz.Binding
}

func (o oracle) decide(who authz.Subject, op authz.Operation, on authz.Resource) bool {
	if slices.Contains(o.supers, who.Principal) {
		return true
	}
	matched, allowed := false, false
	for _, b := range o.acls {
		covers := b.Pattern == authz.Literal && (b.Name == on.Name || b.Name == "*") ||
			b.Pattern == authz.Prefixed && strings.HasPrefix(on.Name, b.Name)
		if b.Type != on.Type || !covers {
			continue
		}
		matched = true
		if !o.names(b, who) {
			continue
		}
		if b.Permission == authz.Deny && (b.Operation == op || b.Operation == authz.All) {
			return false
		}
		if b.Permission == authz.Allow && allows(b.Operation, op) {
			allowed = true
		}
	}
	return allowed || !matched && o.allowIfNoACL
}

func allows(have, wanted authz.Operation) bool {
	describes := []authz.Operation{authz.Read, authz.Write, authz.Delete, authz.Alter}
	return have == authz.All || have == wanted ||
		wanted == authz.Describe && slices.Contains(describes, have) ||
		wanted == authz.DescribeConfigs && have == authz.AlterConfigs
}

func (o oracle) names(b authz.Binding, who authz.Subject) bool {
	return (b.Principal == who.Principal.String() || b.Principal == "User:*") && (b.Host == who.Host || b.Host == "*")
}

func (o oracle) decideAny(who authz.Subject, op authz.Operation, t authz.ResourceType) bool {
	if o.decide(who, op, authz.Resource{Type: t, Name: "hardcode"}) {
		return true
	}
	var allow, deny []authz.Binding
	for _, b := range o.acls {
		if b.Type != t || !o.names(b, who) || b.Operation != op && b.Operation != authz.All {
			continue
		}
		if b.Permission == authz.Deny {
			deny = append(deny, b)
		} else {
			allow = append(allow, b)
		}
	}
	isWildcard := func(b authz.Binding) bool { return b.Pattern == authz.Literal && b.Name == "*" }
	if slices.ContainsFunc(deny, isWildcard) {
		return false
	}
	return slices.ContainsFunc(allow, func(a authz.Binding) bool {
		return isWildcard(a) || !slices.ContainsFunc(deny, func(d authz.Binding) bool {
			if d.Pattern == authz.Prefixed {
				return strings.HasPrefix(a.Name, d.Name)
			}
			return a.Pattern == authz.Literal && a.Name == d.Name
		})
	})
}

// drawName draws from few letters, so that names are often prefixes of each other.
func drawName(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.StringMatching(`[ab]{1,4}`),
		rapid.SampledFrom([]string{"*", "hardcode", "hard", "a*", "\x00", "ä", "日本"}),
	).Draw(t, label)
}

func drawBinding(t *rapid.T) authz.Binding {
	return authz.Binding{
		Type:       rapid.SampledFrom([]authz.ResourceType{authz.Topic, authz.Topic, authz.Group}).Draw(t, "type"),
		Name:       drawName(t, "pattern name"),
		Pattern:    rapid.SampledFrom([]authz.PatternType{authz.Literal, authz.Prefixed}).Draw(t, "pattern"),
		Principal:  rapid.SampledFrom([]string{"User:a", "User:b", "User:*", "Group:a", "User:a:b"}).Draw(t, "principal"),
		Host:       rapid.SampledFrom([]string{"*", "*", "10.0.0.1", "10.0.0.2", "a name", "2001:db8::1"}).Draw(t, "host"),
		Operation:  drawOperation(t),
		Permission: rapid.SampledFrom([]authz.Permission{authz.Deny, authz.Allow, authz.Allow}).Draw(t, "permission"),
	}
}

func drawOperation(t *rapid.T) authz.Operation {
	return rapid.SampledFrom([]authz.Operation{
		authz.All, authz.Read, authz.Write, authz.Delete, authz.Alter, authz.Describe, authz.DescribeConfigs, authz.AlterConfigs,
	}).Draw(t, "op")
}

func drawSubject(t *rapid.T) authz.Subject {
	names := []string{"User:a", "User:b", "User:c", "Group:a", "User:a:b", "User:*", "User:root"}
	p, err := auth.ParsePrincipal(rapid.SampledFrom(names).Draw(t, "who"))
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"10.0.0.1", "10.0.0.3", "a name", "2001:db8::1", ""}
	return authz.Subject{Principal: p, Host: rapid.SampledFrom(hosts).Draw(t, "from")}
}
