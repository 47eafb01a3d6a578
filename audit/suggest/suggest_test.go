package suggest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
)

// did is a use by alice from 10.0.0.9.
func did(op authz.Operation, kind authz.ResourceType, names ...string) *audit.Decided {
	d := &audit.Decided{
		Allowed: true, Reason: acl.ReasonACL, Client: audit.Client{Principal: auth.User("alice"), Host: "10.0.0.9"},
		Need: authz.Need{Op: op, On: authz.Resource{Type: kind}},
	}
	for _, name := range names {
		d.Resources = append(d.Resources, audit.Accessed{Name: name, Count: 1, First: time.Unix(1, 0), Last: time.Unix(2, 0)})
	}
	return d
}

func grant(op authz.Operation, kind authz.ResourceType, name string) authz.Binding {
	return authz.Binding{Type: kind, Name: name, Pattern: authz.Literal, Principal: "User:alice", Host: "*", Operation: op, Permission: authz.Allow}
}

func prefixed(b authz.Binding) authz.Binding {
	b.Pattern = authz.Prefixed
	return b
}

func topics(names ...string) map[string]bool {
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
	}
	return all
}

func reported(cfg Config, events ...*audit.Decided) Report {
	if cfg.Topics == nil {
		cfg.Topics = topics("a", "b", "d", "abc", "pay.a", "pay.b", "log.a", "other")
	}
	s := New(cfg)
	for _, d := range events {
		s.Add(d)
	}
	return s.Report(&audit.Trail{FirstAccess: time.Unix(1, 0), DeletedTopics: topics("deleted")})
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTheLeastACLs(t *testing.T) {
	denied := did(authz.Alter, authz.Topic, "a")
	denied.Allowed = false
	super := did(authz.Alter, authz.Cluster, authz.ClusterName)
	super.Client.Principal, super.Reason = auth.User("root"), acl.ReasonSuperUser
	deny := grant(authz.Delete, authz.Topic, "a")
	deny.Permission = authz.Deny
	got := reported(Config{Current: []authz.Binding{deny, grant(authz.All, authz.Topic, "a")}},
		did(authz.Describe, authz.Topic, "a", "b"), did(authz.Read, authz.Topic, "a"), did(authz.Read, authz.Group, "g"), denied, super)
	same(t, "ACLs", got.ACLs, []authz.Binding{
		grant(authz.Read, authz.Topic, "a"), deny, grant(authz.Describe, authz.Topic, "b"), grant(authz.Read, authz.Group, "g"),
	})
	same(t, "super users", got.SuperUsers, []string{"User:root"})
	same(t, "notes", len(got.Notes), 0)
}

func TestOneOfSeveralNeedsIsEnough(t *testing.T) {
	choice := did(authz.IdempotentWrite, authz.Cluster, authz.ClusterName)
	choice.Or = []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}}
	same(t, "a producer", reported(Config{}, choice, did(authz.Write, authz.Topic, "a")).ACLs, []authz.Binding{grant(authz.Write, authz.Topic, "a")})
	same(t, "who writes nothing", reported(Config{}, choice).ACLs, []authz.Binding{grant(authz.IdempotentWrite, authz.Cluster, authz.ClusterName)})
	creation := did(authz.Create, authz.Topic, "a")
	creation.Or = []authz.Need{{Op: authz.Create, On: authz.TheCluster()}}
	same(t, "a topic and not the cluster", reported(Config{}, creation).ACLs, []authz.Binding{grant(authz.Create, authz.Topic, "a")})
	markers := did(authz.Alter, authz.Cluster, authz.ClusterName)
	markers.Or = []authz.Need{{Op: authz.ClusterAction, On: authz.TheCluster()}}
	by := grant(authz.ClusterAction, authz.Cluster, authz.ClusterName)
	markers.ACL = &by
	same(t, "what was not held is not given", reported(Config{}, markers).ACLs, []authz.Binding{by})
	some := did(authz.Write, authz.Topic, authz.Wildcard)
	some.Need.AnyOfType = true
	if got := reported(Config{}, some); len(got.ACLs) != 0 || len(got.Notes) != 1 {
		t.Errorf("some topic without a name: %+v", got)
	}
}

// TestTopicsThatThereAreNot have no ACL, unless they were to be created, or were deleted since; what used none but them is unused.
func TestTopicsThatThereAreNot(t *testing.T) {
	followed := did(authz.Describe, authz.Topic, "never")
	followed.Or = []authz.Need{{Op: authz.ClusterAction, On: authz.TheCluster()}}
	some := did(authz.IdempotentWrite, authz.Cluster, authz.ClusterName)
	some.Or = []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}}
	wide := grant(authz.Write, authz.Topic, "*")
	got := reported(Config{Topics: topics("a"), Current: []authz.Binding{wide}},
		did(authz.Read, authz.Topic, "a", "deleted", "never", "nor this"), did(authz.Write, authz.Topic, "never"), did(authz.Create, authz.Topic, "new"),
		did(authz.Read, authz.Group, "never"), followed, some)
	same(t, "ACLs", got.ACLs, []authz.Binding{
		grant(authz.Read, authz.Topic, "a"), grant(authz.Read, authz.Topic, "deleted"), grant(authz.Create, authz.Topic, "new"),
		grant(authz.Read, authz.Group, "never"), grant(authz.IdempotentWrite, authz.Cluster, authz.ClusterName),
	})
	same(t, "missing topics", got.Missing, []Missing{
		{"User:alice", authz.Read, "never, nor this"}, {"User:alice", authz.Write, "never"}, {"User:alice", authz.Describe, "never"},
	})
	same(t, "findings", got.Findings, []Finding{
		{wide, WildcardHost, "used from 10.0.0.9"}, {wide, WildcardResource, "used on nothing"},
	})
}

func TestFoldingAndHosts(t *testing.T) {
	reads := did(authz.Read, authz.Topic, "pay.a", "pay.b", "log.a", "other")
	writes := did(authz.Write, authz.Topic, "pay.a")
	same(t, "ACLs", reported(Config{Prefixes: []string{"pay.", "log."}}, reads, writes).ACLs, []authz.Binding{
		grant(authz.Read, authz.Topic, "log.a"), grant(authz.Read, authz.Topic, "other"),
		prefixed(grant(authz.Read, authz.Topic, "pay.")), grant(authz.Write, authz.Topic, "pay.a"),
	})
	of := grant(authz.Write, authz.Topic, "pay.a")
	of.Host = "10.0.0.9"
	same(t, "of a host", reported(Config{Hosts: true}, writes).ACLs, []authz.Binding{of})
}

func TestFindings(t *testing.T) {
	all, everybody, unused := grant(authz.All, authz.Topic, "a"), grant(authz.Describe, authz.Topic, "*"), grant(authz.Create, authz.Topic, "a")
	everybody.Principal = "User:*"
	one, two := prefixed(grant(authz.Read, authz.Topic, "ab")), prefixed(grant(authz.Describe, authz.Topic, "a"))
	host := grant(authz.Alter, authz.Topic, "a")
	host.Host = "10.0.0.9"
	elsewhere := did(authz.Describe, authz.Topic, "d")
	elsewhere.Client.Host = "10.0.0.10"
	got := reported(Config{Current: []authz.Binding{all, everybody, unused, one, two, host}},
		did(authz.Read, authz.Topic, "abc", "b"), did(authz.Describe, authz.Topic, "a"), elsewhere)
	same(t, "findings", got.Findings, []Finding{
		{everybody, WildcardPrincipal, "used by User:alice"},
		{everybody, WildcardResource, "used on a, d"},
		{all, BroadOperation, "used for DESCRIBE"},
		{all, WildcardHost, "used from 10.0.0.9"},
		{unused, Unused, "nothing that was done needs it"},
		{host, BroadOperation, "used for DESCRIBE"},
		{two, WildcardHost, "used from 10.0.0.9"},
		{one, BroadPattern, "used on abc"},
		{one, WildcardHost, "used from 10.0.0.9"},
	})
}

// TestManyPrincipals: each with each would take hours.
func TestManyPrincipals(t *testing.T) {
	const many = 50_000
	s := New(Config{Topics: map[string]bool{}})
	for i := range many {
		s.cfg.Topics[fmt.Sprint("t", i)] = true
		use := did(authz.Read, authz.Topic, fmt.Sprint("t", i))
		init := did(authz.IdempotentWrite, authz.Cluster, authz.ClusterName)
		init.Or = []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}}
		use.Client.Principal = auth.User(fmt.Sprint("u", i))
		init.Client.Principal = use.Client.Principal
		s.Add(use)
		s.Add(init)
		acl := grant(authz.Read, authz.Topic, fmt.Sprint("t", i))
		acl.Principal, acl.Host = use.Client.Principal.String(), use.Client.Host
		s.cfg.Current = append(s.cfg.Current, acl)
	}
	if got := s.Report(&audit.Trail{FirstAccess: time.Unix(1, 0)}); len(got.ACLs) != 2*many || len(got.Findings) != 0 {
		t.Errorf("%d ACLs, %d findings", len(got.ACLs), len(got.Findings))
	}
}

func TestListedNamesAreBounded(t *testing.T) {
	names := map[string]bool{}
	for _, name := range "abcdefgh" {
		names[string(name)] = true
	}
	same(t, "eight names", listed(names), "a, b, c, d, e and 3 more")
	same(t, "no name", listed(nil), "nothing")
}
