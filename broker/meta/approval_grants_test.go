package meta_test

import (
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// superACL makes an administrator.
func superACL(principal string) authz.Binding {
	return authz.Binding{
		Type: authz.Cluster, Name: authz.ClusterName, Pattern: authz.Literal, Principal: principal, Host: "*", Operation: authz.Alter, Permission: authz.Allow,
	}
}

func with(b authz.Binding, change func(*authz.Binding)) authz.Binding {
	change(&b)
	return b
}

func TestGrantsThatTakeTwoPersons(t *testing.T) {
	alter := superACL("User:m")
	for what, of := range map[string]struct {
		binding authz.Binding
		covered bool
	}{
		"ALTER":         {alter, true},
		"ALL":           {with(alter, func(b *authz.Binding) { b.Operation = authz.All }), true},
		"prefixed":      {with(alter, func(b *authz.Binding) { b.Pattern = authz.Prefixed }), true},
		"DESCRIBE":      {with(alter, func(b *authz.Binding) { b.Operation = authz.Describe }), false},
		"ALTER, denied": {with(alter, func(b *authz.Binding) { b.Permission = authz.Deny }), false},
		"CREATE_TOKENS": {with(alter, func(b *authz.Binding) {
			b.Type, b.Name, b.Operation = authz.UserResource, "User:root", authz.CreateTokens
		}), true},
		"ALL on a user":     {with(alter, func(b *authz.Binding) { b.Type, b.Name, b.Operation = authz.UserResource, "*", authz.All }), true},
		"ALL on all topics": {with(alter, func(b *authz.Binding) { b.Type, b.Name, b.Operation = authz.Topic, "*", authz.All }), false},
		"DESCRIBE_TOKENS":   {with(alter, func(b *authz.Binding) { b.Type, b.Name, b.Operation = authz.UserResource, "*", authz.DescribeTokens }), false},
	} {
		c := newCluster(t)
		_, result := c.apply(&meta.CreateACLs{Origin: asks("alice", 0), Approval: twoPersons("User:alice"), Bindings: []authz.Binding{readACL("t"), of.binding}})
		refused := result.Items[1].Code == wire.PolicyViolation
		if result.Items[0].Code != wire.None || refused != of.covered || (c.img.ACLCount() == 1) != of.covered {
			t.Errorf("%s: %+v, %d ACLs", what, result.Items, c.img.ACLCount())
		}
	}
}

func TestAGrantIsApproved(t *testing.T) {
	c := newCluster(t)
	create := func(second int) int16 {
		_, result := c.apply(&meta.CreateACLs{Origin: asks("alice", second), Approval: twoPersons("User:alice"), Bindings: []authz.Binding{superACL("User:m")}})
		return result.Items[0].Code
	}
	if code := create(0); code != wire.PolicyViolation {
		t.Fatal(wire.CodeName(code))
	}
	c.decides("bob", 1, c.theApproval().ID, true)
	if create(2) != wire.None || c.img.ACLCount() != 1 || create(3) != wire.None {
		t.Errorf("%d ACLs; one that is there already takes no approval", c.img.ACLCount())
	}
}

// TestToRemoveADenialIsAGrant: a filter removes all that it matches, or nothing.
func TestToRemoveADenialIsAGrant(t *testing.T) {
	denied := with(superACL("User:m"), func(b *authz.Binding) { b.Permission = authz.Deny })
	all := authz.Filter{Type: authz.AnyResource, Pattern: authz.AnyPattern, Operation: authz.AnyOperation, Permission: authz.AnyPermission}
	topics := all
	topics.Type = authz.Topic
	c := newCluster(t)
	c.mustApply(&meta.CreateACLs{Bindings: []authz.Binding{denied, superACL("User:m"), readACL("t"), readACL("u")}})
	remove := func(second int, filters ...authz.Filter) meta.Result {
		_, result := c.apply(&meta.DeleteACLs{Origin: asks("alice", second), Approval: twoPersons("User:alice"), Filters: filters})
		return result
	}
	result := remove(0, all, topics)
	if !slices.Equal(codes(result), []int16{wire.PolicyViolation, wire.None}) || len(result.RemovedACLs[0]) != 0 || len(result.RemovedACLs[1]) != 2 || c.img.ACLCount() != 2 {
		t.Fatalf("%+v", result)
	}
	c.decides("bob", 1, c.theApproval().ID, true)
	if result := remove(2, all); len(result.RemovedACLs[0]) != 2 || c.img.ACLCount() != 0 {
		t.Errorf("approved: %+v", result)
	}
	c.mustApply(&meta.CreateACLs{Bindings: []authz.Binding{superACL("User:m")}})
	open := twoPersons("User:alice")
	open.OpenByDefault = true
	if _, result := c.apply(&meta.DeleteACLs{Origin: asks("alice", 3), Approval: open, Filters: []authz.Filter{all}}); result.Items[0].Code != wire.PolicyViolation {
		t.Errorf("where no ACL means that everybody may: %+v", result)
	}
	if result := remove(4, all); result.Items[0].Code != wire.None {
		t.Errorf("where it means that nobody may: %+v", result)
	}
}

// TestToRemoveTheLastACLIsAGrant, where what has no ACL is allowed to everybody, whatever that ACL says.
func TestToRemoveTheLastACLIsAGrant(t *testing.T) {
	c := newCluster(t)
	producer := with(superACL("User:p"), func(b *authz.Binding) { b.Operation = authz.IdempotentWrite })
	tokens := with(superACL("User:p"), func(b *authz.Binding) {
		b.Type, b.Name, b.Operation = authz.UserResource, "User:root", authz.DescribeTokens
	})
	c.mustApply(&meta.CreateACLs{Bindings: []authz.Binding{producer, tokens, readACL("t")}})
	open := twoPersons("User:alice")
	open.OpenByDefault = true
	command := &meta.DeleteACLs{Origin: asks("alice", 0), Approval: open}
	for _, kind := range []authz.ResourceType{authz.Cluster, authz.UserResource, authz.Topic} {
		command.Filters = append(command.Filters, authz.Filter{Type: kind, Pattern: authz.AnyPattern, Operation: authz.AnyOperation, Permission: authz.AnyPermission})
	}
	_, result := c.apply(command)
	if !slices.Equal(codes(result), []int16{wire.PolicyViolation, wire.PolicyViolation, wire.None}) || c.img.ACLCount() != 2 {
		t.Errorf("%+v", result)
	}
	command.Approval = twoPersons("User:alice")
	if _, result := c.apply(command); c.img.ACLCount() != 0 {
		t.Errorf("where it is allowed to nobody: %+v", result)
	}
}

func TestPasswordsOfAdministrators(t *testing.T) {
	c := newCluster(t)
	tokens := with(superACL("User:maker"), func(b *authz.Binding) {
		b.Type, b.Name, b.Operation = authz.UserResource, "User:root", authz.CreateTokens
	})
	c.mustApply(&meta.CreateACLs{Bindings: []authz.Binding{superACL("User:byacl"), tokens, readACL("t")}})
	set := func(second int, users ...string) []int16 {
		command := &meta.AlterScram{Origin: asks("alice", second), Approval: twoPersons("User:alice")}
		for _, user := range users {
			u := credential(user, meta.ScramSHA256)
			u.Salt = []byte{byte(second)} // which a client draws anew
			command.Upserts = append(command.Upserts, u)
		}
		_, result := c.apply(command)
		return codes(result)
	}
	if got := set(0, "root", "byacl", "maker", "a"); !slices.Equal(got, []int16{wire.PolicyViolation, wire.PolicyViolation, wire.PolicyViolation, wire.None}) {
		t.Fatal(got)
	}
	c.img.Approvals(func(a *meta.Approval) bool {
		if a.Subject.Resource == "root" {
			c.decides("bob", 1, a.ID, true)
		}
		return true
	})
	if got := set(2, "root", "byacl"); !slices.Equal(got, []int16{wire.None, wire.PolicyViolation}) || c.img.Scram("root", meta.ScramSHA256) == nil {
		t.Error(got)
	}
	gone := &meta.AlterScram{Origin: asks("alice", 3), Approval: twoPersons("User:alice"), Deletes: []meta.ScramName{{User: "root", Mechanism: meta.ScramSHA256}}}
	if _, result := c.apply(gone); result.Items[0].Code != wire.None {
		t.Errorf("what takes away waits for nobody: %+v", result.Items)
	}
	c.mustApply(&meta.CreateACLs{Bindings: []authz.Binding{superACL("User:*")}})
	if got := set(4, "somebody"); got[0] != wire.PolicyViolation {
		t.Errorf("where everybody is an administrator: %v", got)
	}
}

func TestCutsThatTakeTwoPersons(t *testing.T) {
	c := withTopics(t, 1)
	key := meta.ResourceKey{Type: meta.TopicConfig, Name: "t1"}
	set := func(second int, value, sight string) []meta.ItemResult {
		change := meta.ResourceChange{Key: key, Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: "retention.ms", Value: value}}}
		change.Watched = &meta.Watched{Sight: sight, Node: "1", Before: map[string]string{"retention.ms": "604800000"}, After: map[string]string{"retention.ms": value}}
		_, result := c.apply(&meta.AlterConfigs{Origin: asks("alice", second), Approval: twoPersons("User:alice"), Resources: []meta.ResourceChange{change}})
		return result.Items
	}
	if items := set(0, "1000", "what was"); items[0].Code != wire.PolicyViolation {
		t.Errorf("prepared by another sight: %+v", items)
	}
	sight := c.img.ConfigSight(key, "1")
	if items := set(1, "1000", sight); items[0].Code != wire.PolicyViolation {
		t.Fatalf("%+v", items)
	}
	a := c.theApproval()
	if s := a.Subject; s.Before["retention.ms"] != "604800000" || s.After["retention.ms"] != "1000" || s.ResourceID != topicID(1).String() || s.Right.Operation != authz.AlterConfigs {
		t.Errorf("%+v", s)
	}
	c.decides("bob", 2, a.ID, true)
	if items := set(3, "999", sight); items[0].Code != wire.PolicyViolation {
		t.Errorf("another value: %+v", items)
	}
	if items := set(4, "1000", sight); items[0].Code != wire.None || c.img.Config(key)["retention.ms"] != "1000" {
		t.Errorf("%+v", items)
	}
	for what, command := range map[string]meta.Command{
		"the default": &meta.AlterConfigs{Resources: []meta.ResourceChange{{
			Key: meta.ResourceKey{Type: meta.BrokerConfig}, Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: "log.retention.ms", Value: "5"}},
		}}},
		"the topic": &meta.DeleteTopics{IDs: []meta.TopicID{topicID(1)}},
	} {
		before := c.img.ConfigSight(key, "1")
		if c.mustApply(command); c.img.ConfigSight(key, "1") == before {
			t.Errorf("%s changes, and the sight does not", what)
		}
	}
}

// TestToReinstateAnAdministratorIsAGrant: to revoke him again, or later, is none.
func TestToReinstateAnAdministratorIsAGrant(t *testing.T) {
	c := newCluster(t)
	change := func(second int, who string, op meta.ConfigOpType, value string) int16 {
		_, result := c.apply(&meta.AlterConfigs{Origin: asks("alice", second), Approval: twoPersons("User:alice"), Resources: []meta.ResourceChange{{
			Key: meta.ResourceKey{Type: meta.UserConfig, Name: who}, Ops: []meta.ConfigOp{{Op: op, Name: meta.RevokedBefore, Value: value}},
		}}})
		return result.Items[0].Code
	}
	for i, who := range []string{"User:root", "User:root", "User:a"} {
		if code := change(i, who, meta.SetConfig, string('5'+rune(i))); code != wire.None {
			t.Errorf("%s is revoked: %s", who, wire.CodeName(code))
		}
	}
	if code := change(3, "User:a", meta.DeleteConfig, ""); code != wire.None {
		t.Errorf("somebody: %s", wire.CodeName(code))
	}
	if code := change(4, "User:root", meta.SetConfig, "1"); code != wire.PolicyViolation {
		t.Errorf("to an earlier time: %s", wire.CodeName(code))
	}
	c.decides("bob", 5, c.theApproval().ID, true)
	if code := change(6, "User:root", meta.DeleteConfig, ""); code != wire.PolicyViolation {
		t.Errorf("to another time: %s", wire.CodeName(code))
	}
	if code := change(7, "User:root", meta.SetConfig, "1"); code != wire.None || c.img.RevokedBefore("User:root").UnixMilli() != 1 {
		t.Errorf("approved: %s", wire.CodeName(code))
	}
}

// TestWhoMayAskForPoliciesIsMadeByTwoPersons: an administrator alone can not make somebody who asks for a change of policies, to approve it
// himself. Where policies take one person, ALTER_CONFIGS is no grant of that kind.
func TestWhoMayAskForPoliciesIsMadeByTwoPersons(t *testing.T) {
	asker := with(superACL("User:puppet"), func(b *authz.Binding) { b.Operation = authz.AlterConfigs })
	denied := with(asker, func(b *authz.Binding) { b.Permission = authz.Deny })
	ofTopic := with(asker, func(b *authz.Binding) { b.Type, b.Name = authz.Topic, "t" })
	for _, covered := range []bool{true, false} {
		c := newCluster(t)
		rule := func() *meta.ApprovalRule {
			r := twoPersons("User:alice")
			if covered {
				r.Operations = append(r.Operations, meta.ApprovePolicyChanges)
			}
			return r
		}
		want := int16(wire.None)
		if covered {
			want = wire.PolicyViolation
		}
		_, result := c.apply(&meta.CreateACLs{Origin: asks("alice", 0), Approval: rule(), Bindings: []authz.Binding{ofTopic, denied, asker}})
		if got := codes(result); !slices.Equal(got, []int16{wire.None, wire.None, want}) {
			t.Errorf("policy-changes %t: grants %v", covered, got)
		}
		c.mustApply(&meta.CreateACLs{Bindings: []authz.Binding{asker}})
		_, result = c.apply(&meta.AlterScram{Origin: asks("alice", 1), Approval: rule(), Upserts: []meta.ScramCredential{credential("puppet", meta.ScramSHA256), credential("a", meta.ScramSHA256)}})
		if got := codes(result); !slices.Equal(got, []int16{want, wire.None}) {
			t.Errorf("policy-changes %t: passwords %v", covered, got)
		}
		_, result = c.apply(&meta.DeleteACLs{Origin: asks("alice", 2), Approval: rule(), Filters: []authz.Filter{{
			Type: authz.Cluster, Pattern: authz.AnyPattern, Operation: authz.AlterConfigs, Permission: authz.Deny,
		}}})
		if got := codes(result); !slices.Equal(got, []int16{want}) {
			t.Errorf("policy-changes %t: the removal of a denial %v", covered, got)
		}
	}
}
