//go:build interop

package interop

import (
	"math/rand/v2"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// aclDraw draws ACLs and questions from little, so that they often meet: names that are prefixes of each other, few principals, few hosts.
type aclDraw struct{ *rand.Rand }

func drawOne[T any](r aclDraw, from ...T) T { return from[r.IntN(len(from))] }

// mostly draws the first value three times of four, and else one of the others.
func mostly[T any](r aclDraw, first T, others ...T) T {
	if r.IntN(4) > 0 {
		return first
	}
	return drawOne(r, others...)
}

func (r aclDraw) resourceType() authz.ResourceType {
	return drawOne(r, authz.Topic, authz.Topic, authz.Topic, authz.Group, authz.Cluster, authz.TransactionalID, authz.DelegationToken, authz.UserResource)
}

// name draws a name of a resource or of a pattern. What looks odd in some is how UTF-8 and UTF-16, which Java compares by, sort it.
func (r aclDraw) name() string {
	if r.IntN(8) == 0 {
		return authz.Wildcard
	}
	if r.IntN(3) == 0 {
		return drawOne(r, "hardcode", "hard", "hardcode-2", "a*", "a\x00", "a\x00b", "ä", "äb", "日", "日本", "\uffff", "a\uffff", "🙂", "🙂a", "a🙂",
			"a:b", "a b", "a.b", "a-b", "A", "Ab", ".", " ", "\t", "kafka-cluster", "__a", "User:a")
	}
	letters := make([]byte, 1+r.IntN(4))
	for i := range letters {
		letters[i] = "ab"[r.IntN(2)]
	}
	return string(letters)
}

// nameOf draws a name that a resource or pattern of the type can have.
func (r aclDraw) nameOf(t authz.ResourceType) string {
	if t == authz.Cluster {
		return authz.ClusterName
	}
	return r.name()
}

func (r aclDraw) operation() authz.Operation {
	if r.IntN(3) == 0 {
		return authz.All + authz.Operation(r.IntN(int(authz.TwoPhaseCommit-authz.All)+1))
	}
	return drawOne(r, authz.All, authz.Read, authz.Write, authz.Describe, authz.DescribeConfigs, authz.AlterConfigs)
}

func (r aclDraw) principal() string {
	return drawOne(r, "User:a", "User:a", "User:b", "User:b", "User:*", "User:a:b", "Group:a", "Group:*", "user:a", "User:ä", "User:🙂", "User:CN=a,O=b", "User:CN=a", "User:root")
}

// host draws the host of an ACL: addresses in several spellings, and names, which match nobody.
func (r aclDraw) host() string {
	return mostly(r, authz.AnyHost, "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.01", "::ffff:10.0.0.1", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:1",
		"::1", "0:0:0:0:0:0:0:1", "localhost", "10.0.0.0/8", "fe80::1%1")
}

// binding draws an ACL that a broker accepts.
func (r aclDraw) binding() authz.Binding {
	t := r.resourceType()
	return authz.Binding{
		Type: t, Name: r.nameOf(t), Pattern: drawOne(r, authz.Literal, authz.Prefixed), Principal: r.principal(), Host: r.host(),
		Operation: r.operation(), Permission: drawOne(r, authz.Allow, authz.Allow, authz.Deny),
	}
}

// who draws who asks. Nobody is User:*, at whom Apache Kafka's authorizer throws.
func (r aclDraw) who() authz.Subject {
	p := drawOne(r, auth.User("a"), auth.User("a"), auth.User("b"), auth.User("b"), auth.User("c"), auth.User("a:b"), auth.User("root"), auth.User("ä"), auth.User("🙂"),
		auth.User("CN=a,O=b"), auth.Principal{Type: "Group", Name: "a"}, auth.Principal{Type: "user", Name: "a"})
	return authz.Subject{Principal: p, Host: drawOne(r, "10.0.0.1", "10.0.0.1", "10.0.0.2", "2001:db8::1", "::1", "192.0.2.7")}
}

// filter draws a filter, half of the time from an ACL that is there.
func (r aclDraw) filter(have []authz.Binding) authz.Filter {
	b := r.binding()
	if r.IntN(2) == 0 {
		b = have[r.IntN(len(have))]
	}
	name := b.Name
	if r.IntN(3) == 0 {
		name += drawOne(r, "a", "b", "*", "🙂")
	}
	f := authz.Filter{
		Type: mostly(r, b.Type, authz.AnyResource), Pattern: drawOne(r, authz.AnyPattern, authz.Match, authz.Match, b.Pattern),
		Operation: mostly(r, authz.AnyOperation, b.Operation), Permission: mostly(r, authz.AnyPermission, b.Permission),
	}
	// "" is no ANY: it is a text that nothing has.
	f.Name = mostly(r, &name, nil, nil, new(string))
	f.Principal = mostly(r, nil, &b.Principal, &b.Principal, new(string))
	f.Host = mostly(r, nil, &b.Host, &b.Host, new(string))
	return f
}
