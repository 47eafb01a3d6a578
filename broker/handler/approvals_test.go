package handler

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

func twoPersons() Approvals {
	return Approvals{
		Operations: []string{meta.ApproveDeleteTopics, meta.ApproveRetentionCuts, meta.ApproveSuperUserGrants}, Expiration: time.Hour,
		SuperUsers: []string{"User:admin", "User:alice"},
	}
}

// approvalsOf are the requests that take two persons.
func approvalsOf(log *securityLog) []*meta.Approval {
	var all []*meta.Approval
	log.Image().Approvals(func(a *meta.Approval) bool { all = append(all, a); return true })
	return all
}

// theApproval is the only one.
func theApproval(t *testing.T, log *securityLog) *meta.Approval {
	t.Helper()
	all := approvalsOf(log)
	if len(all) != 1 {
		t.Fatalf("%d requests wait, one was expected", len(all))
	}
	return all[0]
}

// decide lets a user decide a request, through the row.
func (b *configsBench) decide(t *testing.T, user, id, decision string) *kmsg.IncrementalAlterConfigsResponseResource {
	t.Helper()
	b.user = user
	return b.alter(t, alteration{kind: approvalConfig, name: id, op: set, key: decisionKey, value: decision}, false)
}

// decidersOf is the area of configurations beside that of topics.
func decidersOf(t *testing.T, b *topicBroker) *configsBench {
	t.Helper()
	bench := newConfigsBench(t)
	bench.Metadata, bench.log, bench.authorizer, bench.Approvals = b.log, b.log, b.acls, twoPersons()
	return bench
}

// TestADeletionIsTheSameByNameAndById: another client, or another version, may try again.
func TestADeletionIsTheSameByNameAndById(t *testing.T) {
	b := newTopicBroker(t)
	b.topics.Approvals = twoPersons()
	deciders := decidersOf(t, b)
	b.allow("alice", authz.Delete, "free")
	b.allow("alice", authz.Delete, "kept")
	id := b.addTopic("kept", 1, 1)
	byName := kmsg.NewPtrDeleteTopicsRequest()
	byName.TopicNames, byName.TimeoutMillis = []string{"kept"}, 1000
	for version := int16(1); version <= 5; version++ {
		resp := sendTopic[*kmsg.DeleteTopicsResponse](b, "alice", version, byName)
		if resp.Topics[0].ErrorCode != wire.PolicyViolation {
			t.Errorf("version %d: %+v", version, resp.Topics[0])
		}
	}
	byID := kmsg.NewPtrDeleteTopicsRequest()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.TopicID = id
	byID.Topics, byID.TimeoutMillis = append(byID.Topics, topic), 30_000
	refused := sendTopic[*kmsg.DeleteTopicsResponse](b, "alice", 6, byID).Topics[0]
	a := theApproval(t, b.log)
	if refused.ErrorCode != wire.PolicyViolation || refused.ErrorMessage == nil || !strings.Contains(*refused.ErrorMessage, a.ID) {
		t.Fatalf("%+v, %+v", refused, a)
	}
	if r := deciders.decide(t, "admin", a.ID, toApprove); r.ErrorCode != wire.None {
		t.Fatalf("approve: %+v", r)
	}
	if done := sendTopic[*kmsg.DeleteTopicsResponse](b, "alice", 6, byID).Topics[0]; done.ErrorCode != wire.None || b.log.Image().Topic("kept") != nil {
		t.Errorf("%+v", done)
	}
	if left := approvalsOf(b.log); len(left) != 0 {
		t.Errorf("left is %+v", left[0])
	}
}

// TestWhoMayDecide takes ALTER on the cluster, and what the request takes.
func TestWhoMayDecide(t *testing.T) {
	b := newTopicBroker(t)
	b.topics.Approvals = twoPersons()
	deciders := decidersOf(t, b)
	b.addTopic("t", 1, 1)
	b.allow("alice", authz.Delete, "t")
	for _, who := range []string{"alter", "both", "ANONYMOUS", "alice"} {
		b.rule(authz.Allow, who, authz.Alter, authz.TheCluster(), authz.Literal)
	}
	for _, who := range []string{"delete", "both", "ANONYMOUS"} {
		b.allow(who, authz.Delete, "t")
	}
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.TopicNames, q.TimeoutMillis = []string{"t"}, 1000
	sendTopic[*kmsg.DeleteTopicsResponse](b, "alice", 5, q)
	a := theApproval(t, b.log)
	for _, test := range []struct {
		who, id, decision string
		want              int16
	}{
		{"nobody", a.ID, toApprove, wire.ClusterAuthorizationFailed},
		{"delete", a.ID, toApprove, wire.ClusterAuthorizationFailed},
		{"alter", a.ID, toApprove, wire.PolicyViolation},
		{"ANONYMOUS", a.ID, toApprove, wire.PolicyViolation},
		{"alice", a.ID, toApprove, wire.PolicyViolation},
		{"both", a.ID, "yes", wire.InvalidConfig},
		{"both", "ANOTHERID", toApprove, wire.ResourceNotFound},
		{"both", a.ID, toApprove, wire.None},
		{"both", a.ID, toReject, wire.None},
		{"both", a.ID, toReject, wire.InvalidRequest},
	} {
		if r := deciders.decide(t, test.who, test.id, test.decision); r.ErrorCode != test.want {
			t.Errorf("%s %s %s: %s, want %s", test.who, test.decision, test.id, wire.CodeName(r.ErrorCode), wire.CodeName(test.want))
		}
	}
}

func TestRequestsAreShown(t *testing.T) {
	b := newTopicBroker(t)
	b.topics.Approvals = twoPersons()
	deciders := decidersOf(t, b)
	b.addTopic("t", 1, 1)
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.TopicNames, q.TimeoutMillis = []string{"t"}, 1000
	sendTopic[*kmsg.DeleteTopicsResponse](b, "admin", 5, q)
	a := theApproval(t, b.log)
	b.rule(authz.Allow, "alter", authz.Alter, authz.TheCluster(), authz.Literal)
	list := kmsg.NewPtrListConfigResourcesRequest()
	list.ResourceTypes = []int8{int8(approvalConfig)}
	for who, want := range map[string]int16{"alter": wire.None, "nobody": wire.ClusterAuthorizationFailed} {
		deciders.user = who
		resp := deciders.ask(t, list).(*kmsg.ListConfigResourcesResponse)
		if resp.ErrorCode != want || want == wire.None && (len(resp.ConfigResources) != 1 || resp.ConfigResources[0].Name != a.ID) {
			t.Errorf("%s lists %+v", who, resp)
		}
		entries, code := deciders.describe(t, approvalConfig, a.ID)
		if code != want || want == wire.None && (*entries["resource"].Value != "t" || *entries["requester"].Value != "User:admin" || *entries["state"].Value != "pending") {
			t.Errorf("%s sees %+v, %s", who, entries, wire.CodeName(code))
		}
	}
	deciders.user = "alter"
	if _, code := deciders.describe(t, approvalConfig, "ANOTHERID"); code != wire.ResourceNotFound {
		t.Errorf("another one: %s", wire.CodeName(code))
	}
}

func TestPartiesOfATokensSession(t *testing.T) {
	log := &securityLog{Store: meta.NewStore()}
	token := meta.Token{ID: "id", Owner: "User:owner", Requester: "User:maker", Renewers: []string{"User:renewer", "User:owner"}, Expires: 9, MaxTime: 9}
	if _, err := log.Propose(t.Context(), &meta.CreateToken{Token: token, Most: 1, MostInAll: 1}); err != nil {
		t.Fatal(err)
	}
	c := &api.Call{Session: &auth.Session{Principal: auth.User("owner"), Token: "id", Host: netip.MustParseAddr("10.0.0.1")}}
	if got := partiesOf(c, log.Image()); !slices.Equal(got, []string{"User:owner", "User:maker", "User:renewer"}) {
		t.Errorf("by the token: %v", got)
	}
	c.Session.Token = "gone"
	if got := partiesOf(c, log.Image()); !slices.Contains(got, meta.AnyParty) {
		t.Errorf("by a token that is not there any more: %v", got)
	}
	c.Session.Token, c.Session.Principal = "", auth.Anonymous()
	if got := partiesOf(c, log.Image()); !slices.Contains(got, meta.AnyParty) {
		t.Errorf("by no log-in: %v", got)
	}
	c.Session.Principal = auth.User("owner")
	if got := partiesOf(c, log.Image()); !slices.Equal(got, []string{"User:owner"}) {
		t.Errorf("by a password: %v", got)
	}
}

// TestSecretsAreWithheld from administrators who have not made the token: by it, one would be two.
func TestSecretsAreWithheld(t *testing.T) {
	b := newTokenBroker(t)
	b.allow("lister", authz.DescribeTokens, authz.Resource{Type: authz.UserResource, Name: "User:bob"})
	secret := b.mustCreate("admin", forOwner("User", "bob"), withRenewer("User", "renewer")).HMAC
	b.allow("reader", authz.Describe, authz.Resource{Type: authz.DelegationToken, Name: b.describe("bob").TokenDetails[0].TokenID})
	for _, withhold := range []bool{false, true} {
		b.area.Withhold = withhold
		for who, known := range map[string]bool{"bob": true, "admin": true, "renewer": true, "lister": false, "reader": false} {
			resp := b.describe(who)
			if len(resp.TokenDetails) != 1 {
				t.Fatalf("%s is told of %d tokens", who, len(resp.TokenDetails))
			}
			if told := slices.Equal(resp.TokenDetails[0].HMAC, secret); told != (known || !withhold) || !told && len(resp.TokenDetails[0].HMAC) > 0 {
				t.Errorf("%s, withheld %t: %x", who, withhold, resp.TokenDetails[0].HMAC)
			}
		}
	}
}

func TestGrantsAndPasswordsWaitForTheSecondPerson(t *testing.T) {
	s, log := testSecurity()
	s.Approvals = twoPersons()
	super := authz.Binding{
		Type: authz.Cluster, Name: authz.ClusterName, Pattern: authz.Literal, Principal: "User:m", Host: "*", Operation: authz.All, Permission: authz.Deny,
	}
	if resp := createACLs(t, s, super); resp.Results[0].ErrorCode != wire.None {
		t.Fatalf("a denial: %+v", resp.Results)
	}
	q := kmsg.NewPtrDeleteACLsRequest()
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourcePatternType, f.Operation, f.PermissionType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny, kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	q.Filters = append(q.Filters, f)
	removed := askSecurity[*kmsg.DeleteACLsResponse](t, s, q).Results[0]
	if removed.ErrorCode != wire.PolicyViolation || removed.ErrorMessage == nil || len(removed.MatchingACLs) != 0 || len(storedACLs(log)) != 1 {
		t.Errorf("its removal: %+v", removed)
	}
	super.Permission = authz.Allow
	resp := createACLs(t, s, super, readACL(authz.Literal, "t", "User:a"))
	if resp.Results[0].ErrorCode != wire.PolicyViolation || resp.Results[1].ErrorCode != wire.None || len(storedACLs(log)) != 2 {
		t.Errorf("grants: %+v", resp.Results)
	}
}

// TestCutsWaitForTheSecondPerson sets one thing after the other: what does not cut is in force for the next.
func TestCutsWaitForTheSecondPerson(t *testing.T) {
	b := newConfigsBench(t)
	b.Approvals = twoPersons()
	for _, step := range []struct {
		alteration
		waits bool
	}{
		{alteration{kind: ofTopic, name: "t1", op: set, key: "retention.ms", value: "604799999"}, true},
		{alteration{kind: ofTopic, name: "t1", op: set, key: "retention.ms", value: "604800001"}, false},
		{alteration{kind: ofTopic, name: "t1", op: remove, key: "retention.ms"}, true},
		{alteration{kind: ofTopic, name: "t1", op: set, key: "retention.ms", value: "-1"}, false},
		{alteration{kind: ofTopic, name: "t1", op: set, key: "retention.bytes", value: "1000"}, true},
		{alteration{kind: ofTopic, name: "t1", op: set, key: "segment.ms", value: "1000"}, false},
		{alteration{kind: ofTopic, name: "t1", op: appendTo, key: "cleanup.policy", value: "compact"}, true},
		{alteration{kind: ofTopic, name: "t1", op: set, key: "cleanup.policy", value: "compact"}, true},
		{alteration{kind: ofTopic, name: "t1", op: set, key: "cleanup.policy", value: "delete"}, false},
		{alteration{kind: ofBroker, op: set, key: "log.retention.ms", value: "1000"}, true},
		{alteration{kind: ofBroker, name: "1", op: set, key: "log.retention.ms", value: "1000"}, true},
		{alteration{kind: ofBroker, op: set, key: "log.retention.ms", value: "-1"}, false},
		{alteration{kind: ofBroker, name: "1", op: set, key: "log.retention.ms", value: "1000"}, true},
		{alteration{kind: ofBroker, op: remove, key: "log.retention.ms"}, true},
		{alteration{kind: ofBroker, op: set, key: "log.cleanup.policy", value: "compact"}, true},
		{alteration{kind: ofGroup, name: "g", op: set, key: "consumer.session.timeout.ms", value: "46000"}, false},
	} {
		if r := b.alter(t, step.alteration, true); r.ErrorCode != wire.None {
			t.Errorf("%+v: validated: %+v", step, r)
		}
		want := map[bool]int16{true: wire.PolicyViolation, false: wire.None}[step.waits]
		if r := b.alter(t, step.alteration, false); r.ErrorCode != want {
			t.Errorf("%+v: %s", step, wire.CodeName(r.ErrorCode))
		}
	}
}

// TestAReplacementCutsWhatItDoesNotName asks by the older API, and for the same by the newer one.
func TestAReplacementCutsWhatItDoesNotName(t *testing.T) {
	b := newConfigsBench(t)
	b.Approvals = twoPersons()
	if r := b.alter(t, alteration{kind: ofTopic, name: "t1", op: set, key: "retention.ms", value: "-1"}, false); r.ErrorCode != wire.None {
		t.Fatalf("%+v", r)
	}
	q := kmsg.NewPtrAlterConfigsRequest()
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = ofTopic, "t1"
	q.Resources = append(q.Resources, r)
	if resp := b.ask(t, q).(*kmsg.AlterConfigsResponse); resp.Resources[0].ErrorCode != wire.PolicyViolation {
		t.Fatalf("%+v", resp.Resources)
	}
	a := theApproval(t, b.log)
	if s := a.Subject; s.Before["retention.ms"] != "-1" || s.After["retention.ms"] != "604800000" {
		t.Errorf("%+v", s)
	}
	b.rule("bob")
	if r := b.decide(t, "bob", a.ID, toApprove); r.ErrorCode != wire.None {
		t.Fatalf("%+v", r)
	}
	b.user = "admin"
	if r := b.alter(t, alteration{kind: ofTopic, name: "t1", op: remove, key: "retention.ms"}, false); r.ErrorCode != wire.None {
		t.Errorf("%+v", r)
	}
}

// rule makes a user an administrator of the topic t1.
func (b *configsBench) rule(user string) {
	everything := authz.Binding{
		Type: authz.Cluster, Name: authz.ClusterName, Pattern: authz.Literal, Principal: "User:" + user, Host: "*", Operation: authz.All, Permission: authz.Allow,
	}
	topic := everything
	topic.Type, topic.Name = authz.Topic, "t1"
	b.authorizer.Load(1, []authz.Binding{everything, topic})
}

func TestDeletedRecordsWaitForTheSecondPerson(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.area.Changes, b.area.Approvals, b.area.Metadata = &changeLog{}, twoPersons(), b.log
		b.fill(4)
		refused := b.deleteRecords(deleteRequest("t", 10, -1), 2)
		if refused[0].ErrorCode != wire.PolicyViolation || b.set.Get("t", 0).LogStart() != 0 {
			t.Fatalf("%+v", refused)
		}
		a := theApproval(t, b.log)
		if s := a.Subject; s.After["0"] != "10" || s.Resource != "t" || s.Right.Operation != authz.Delete {
			t.Errorf("%+v", s)
		}
		b.propose(&meta.DecideApproval{Origin: meta.Origin{Principal: "User:bob"}, ID: a.ID, Approve: true, Parties: []string{"User:bob"}, Lasts: 1000})
		if other := b.deleteRecords(deleteRequest("t", 20, -1), 2); other[0].ErrorCode != wire.PolicyViolation {
			t.Errorf("another offset: %+v", other)
		}
		if done := b.deleteRecords(deleteRequest("t", 10, -1), 2); done[0].ErrorCode != wire.None || b.set.Get("t", 0).LogStart() != 10 {
			t.Errorf("%+v", done)
		}
		if none := b.deleteRecords(deleteRequest("t", 10), 2); none[0].ErrorCode != wire.None {
			t.Errorf("where nothing goes: %+v", none)
		}
	})
}
