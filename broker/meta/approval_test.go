package meta_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

var started = time.UnixMilli(1_700_000_000_000).UTC()

// asks is the origin of a request, so many seconds after the start.
func asks(who string, second int) meta.Origin {
	o := origin
	o.Principal, o.EventID, o.Time = "User:"+who, who+strings.Repeat("'", second), started.Add(time.Duration(second)*time.Second)
	return o
}

// twoPersons is a rule that lets requests wait for a minute.
func twoPersons(parties ...string) *meta.ApprovalRule {
	return &meta.ApprovalRule{
		Operations: []string{meta.ApproveDeleteTopics, meta.ApproveRetentionCuts, meta.ApproveSuperUserGrants}, Parties: parties,
		Lasts: time.Minute.Milliseconds(), Most: 4, MostOf: 3, MostBytes: 300, SuperUsers: []string{"User:root"},
	}
}

// withTopics is a cluster with the topics t1, t2 and so on, of these ids.
func withTopics(t *testing.T, ids ...byte) *cluster {
	t.Helper()
	c := newCluster(t, 1)
	for _, id := range ids {
		c.mustApply(&meta.CreateTopics{Origin: origin, Topics: []meta.NewTopic{newTopic("t"+string('0'+rune(id)), id, []int32{1})}})
	}
	return c
}

// deletes lets somebody delete topics and returns the results.
func (c *cluster) deletes(who string, second int, ids ...byte) []meta.ItemResult {
	c.t.Helper()
	command := &meta.DeleteTopics{Origin: asks(who, second), Approval: twoPersons("User:" + who)}
	for _, id := range ids {
		command.IDs = append(command.IDs, topicID(id))
	}
	_, result := c.apply(command)
	return result.Items
}

// decides lets somebody approve or reject, and returns the code.
func (c *cluster) decides(who string, second int, id string, approve bool, parties ...string) int16 {
	c.t.Helper()
	_, result := c.apply(&meta.DecideApproval{
		Origin: asks(who, second), ID: id, Approve: approve, Parties: append(parties, "User:"+who), Lasts: time.Minute.Milliseconds(),
	})
	return result.Items[0].Code
}

// theApproval is the only request there is.
func (c *cluster) theApproval() *meta.Approval {
	c.t.Helper()
	var all []*meta.Approval
	c.img.Approvals(func(a *meta.Approval) bool { all = append(all, a); return true })
	if len(all) != 1 {
		c.t.Fatalf("there are %d requests, one was expected", len(all))
	}
	return all[0]
}

func (c *cluster) actions() []string {
	var out []string
	for _, r := range c.audit() {
		if r.ResourceType == "APPROVAL" {
			out = append(out, r.Action+" "+wire.CodeName(r.Outcome))
		}
	}
	return out
}

func TestADeletionTakesTwoPersons(t *testing.T) {
	c := withTopics(t, 1, 2)
	first := c.deletes("alice", 0, 1)[0]
	a := c.theApproval()
	if first.Code != wire.PolicyViolation || !strings.Contains(first.Message, "chronik approve "+a.ID) || len(a.ID) != 16 || c.img.TopicByID(topicID(1)) == nil {
		t.Fatalf("%+v of %+v", first, a)
	}
	if again := c.deletes("alice", 1, 1)[0]; again.Message != first.Message || c.theApproval() != a {
		t.Errorf("asked again: %+v, %+v", again, c.theApproval())
	}
	if code := c.decides("alice", 2, a.ID, true); code != wire.PolicyViolation {
		t.Errorf("her own approval: %s", wire.CodeName(code))
	}
	if code := c.decides("bob", 3, a.ID, true); code != wire.None || c.theApproval().State != meta.ApprovalGiven || c.theApproval().Decider != "User:bob" {
		t.Fatalf("the approval: %s, %+v", wire.CodeName(code), c.theApproval())
	}
	if code := c.decides("carol", 4, a.ID, true); code != wire.InvalidRequest {
		t.Errorf("approved twice: %s", wire.CodeName(code))
	}
	if items := c.deletes("alice", 5, 2, 1); items[0].Code != wire.PolicyViolation || items[1].Code != wire.None || c.img.TopicByID(topicID(1)) != nil {
		t.Errorf("another topic with it: %+v", items)
	}
	c.mustApply(&meta.CreateTopics{Origin: origin, Topics: []meta.NewTopic{newTopic("t1", 3, []int32{1})}})
	if items := c.deletes("alice", 6, 3); items[0].Code != wire.PolicyViolation || c.img.Topic("t1") == nil {
		t.Errorf("a topic made anew: %+v", items)
	}
	want := []string{
		"CreateApproval NONE", "ApproveApproval POLICY_VIOLATION", "ApproveApproval NONE", "ApproveApproval INVALID_REQUEST", "CreateApproval NONE",
		"UseApproval NONE", "CreateApproval NONE",
	}
	if got := c.actions(); !slices.Equal(got, want) {
		t.Errorf("audit records %v", got)
	}
}

func TestAnApprovalIsForItsRequesterAlone(t *testing.T) {
	c := withTopics(t, 1)
	c.deletes("alice", 0, 1)
	a := c.theApproval()
	c.decides("bob", 1, a.ID, true)
	for _, who := range []string{"bob", "carol"} {
		if items := c.deletes(who, 2, 1); items[0].Code != wire.PolicyViolation || strings.Contains(items[0].Message, a.ID) {
			t.Errorf("%s uses it: %+v", who, items)
		}
	}
	if items := c.deletes("alice", 3, 1); items[0].Code != wire.None {
		t.Errorf("alice does not: %+v", items)
	}
}

func TestRequestsAndApprovalsEnd(t *testing.T) {
	c := withTopics(t, 1)
	c.deletes("alice", 0, 1)
	first := c.theApproval()
	if code := c.decides("bob", 60, first.ID, true); code != wire.ResourceNotFound {
		t.Errorf("approved when its time is over: %s", wire.CodeName(code))
	}
	c.deletes("alice", 61, 1)
	second := c.theApproval()
	if second.ID == first.ID {
		t.Fatalf("the request is the same after its time")
	}
	c.decides("bob", 120, second.ID, true)
	if got := c.theApproval(); got.Expires != started.Add(180*time.Second).UnixMilli() {
		t.Errorf("the approval can be used until %v", time.UnixMilli(got.Expires))
	}
	if items := c.deletes("alice", 180, 1); items[0].Code != wire.PolicyViolation || c.theApproval().State != meta.ApprovalPending {
		t.Errorf("used when its time is over: %+v", items)
	}
	_, early := c.apply(&meta.SweepApprovals{Origin: asks("(broker)", 239), Now: started.Add(239 * time.Second).UnixMilli()})
	_, late := c.apply(&meta.SweepApprovals{Origin: asks("(broker)", 240), Now: started.Add(240 * time.Second).UnixMilli()})
	if len(early.Items) != 0 || len(late.Items) != 1 || c.img.Approval(late.Items[0].Name) != nil {
		t.Errorf("removed early %v, late %v", early.Items, late.Items)
	}
	expired := 0
	for _, action := range c.actions() {
		if action == "ExpireApproval NONE" {
			expired++
		}
	}
	if expired != 3 {
		t.Errorf("%d ends are recorded: %v", expired, c.actions())
	}
}

func TestARejectedRequestStaysRejected(t *testing.T) {
	c := withTopics(t, 1)
	c.deletes("alice", 0, 1)
	a := c.theApproval()
	c.decides("bob", 1, a.ID, true)
	if code := c.decides("carol", 2, a.ID, false); code != wire.None {
		t.Fatalf("an approval that is taken back: %s", wire.CodeName(code))
	}
	if items := c.deletes("alice", 3, 1); items[0].Code != wire.PolicyViolation || !strings.Contains(items[0].Message, "rejected by User:carol") {
		t.Errorf("asked again: %+v", items)
	}
	for _, approve := range []bool{true, false} {
		if code := c.decides("bob", 4, a.ID, approve); code != wire.InvalidRequest {
			t.Errorf("decided again: %s", wire.CodeName(code))
		}
	}
}

// TestTokensAreTheirOwners: who may have the secret of a token that a request or an approval has come by is no second person.
func TestTokensAreTheirOwners(t *testing.T) {
	c := withTopics(t, 1)
	c.apply(&meta.DeleteTopics{Origin: asks("alice", 0), Approval: twoPersons("User:alice", "User:mallory"), IDs: []meta.TopicID{topicID(1)}})
	a := c.theApproval()
	for who, parties := range map[string][]string{"mallory": nil, "bob": {"User:alice"}, "carol": {"User:mallory"}, "erin": {meta.AnyParty}} {
		if code := c.decides(who, 1, a.ID, true, parties...); code != wire.PolicyViolation {
			t.Errorf("%s with %v: %s", who, parties, wire.CodeName(code))
		}
	}
	if code := c.decides("bob", 2, a.ID, true, "User:dave"); code != wire.None {
		t.Errorf("bob by a token that dave has made: %s", wire.CodeName(code))
	}
}

// TestNobodyKnownAsksForNothing: who approves it might have asked for it.
func TestNobodyKnownAsksForNothing(t *testing.T) {
	c := withTopics(t, 1)
	_, result := c.apply(&meta.DeleteTopics{Origin: asks("ANONYMOUS", 0), Approval: twoPersons("User:ANONYMOUS", meta.AnyParty), IDs: []meta.TopicID{topicID(1)}})
	if r := result.Items[0]; r.Code != wire.PolicyViolation || !strings.Contains(r.Message, "log-in of one's own") || c.img.TopicByID(topicID(1)) == nil {
		t.Errorf("%+v", r)
	}
	c.img.Approvals(func(a *meta.Approval) bool { t.Errorf("kept: %+v", a); return true })
}

func TestRequestsAreBounded(t *testing.T) {
	c := withTopics(t, 1, 2, 3, 4)
	if items := c.deletes("alice", 0, 1, 2, 3, 4); !strings.Contains(items[3].Message, "3 requests of yours") {
		t.Errorf("%+v", items)
	}
	c.deletes("bob", 1, 1)
	if items := c.deletes("carol", 2, 1); !strings.Contains(items[0].Message, "4 requests wait") {
		t.Errorf("%+v", items)
	}
	binding := superACL("User:" + strings.Repeat("x", 300))
	_, result := newCluster(t).apply(&meta.CreateACLs{Origin: asks("alice", 0), Approval: twoPersons(), Bindings: []authz.Binding{binding}})
	if !strings.Contains(result.Items[0].Message, "too much to look at") {
		t.Errorf("%+v", result.Items)
	}
}

// TestApprovalsSurviveASnapshot: a broker that begins with a snapshot carries on where the others are.
func TestApprovalsSurviveASnapshot(t *testing.T) {
	c := withTopics(t, 1, 2)
	c.deletes("alice", 0, 1, 2)
	var ids []string
	c.img.Approvals(func(a *meta.Approval) bool { ids = append(ids, a.ID); return true })
	c.decides("bob", 1, ids[0], true)
	restored, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil {
		t.Fatal(err)
	}
	c.img = restored
	items := c.deletes("alice", 2, 1, 2)
	if passed := slices.IndexFunc(items, func(i meta.ItemResult) bool { return i.Code == wire.None }); passed < 0 || items[1-passed].Code != wire.PolicyViolation {
		t.Errorf("%+v", items)
	}
	if left := c.theApproval(); left.ID != ids[1] || left.State != meta.ApprovalPending {
		t.Errorf("left is %+v", left)
	}
}

// TestTheDigestStays: a log that was written by a release is read by the next.
func TestTheDigestStays(t *testing.T) {
	c := withTopics(t, 1)
	c.deletes("alice", 0, 1)
	const digest, id = "9ccfd16cafbb816f024b106f255479f02da9f7cec9124ab0c1a2a26954f63a0e", "4WMUB6UNTGHYTF2X"
	if a := c.theApproval(); a.Digest != digest || a.ID != id {
		t.Errorf("digest %s, id %s", a.Digest, a.ID)
	}
}
