package meta_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// deletesAs is deletes by a rule that has a request of who is no administrator take two of them.
func (c *cluster) deletesAs(who string, second int, id byte) meta.ItemResult {
	c.t.Helper()
	rule := twoPersons("User:" + who)
	rule.TwoForOthers = true
	_, result := c.apply(&meta.DeleteTopics{Origin: asks(who, second), Approval: rule, IDs: []meta.TopicID{topicID(id)}})
	return result.Items[0]
}

// TestWhoIsNoAdministratorTakesTwo: one administrator who has made a user for it is not enough, whichever token he comes by.
func TestWhoIsNoAdministratorTakesTwo(t *testing.T) {
	c := withTopics(t, 1)
	if r := c.deletesAs("puppet", 0, 1); r.Code != wire.PolicyViolation || !strings.Contains(r.Message, "two administrators") {
		t.Fatalf("the request: %+v", r)
	}
	id := c.theApproval().ID
	if code := c.decides("alice", 1, id, true, "User:lent"); code != wire.None || c.theApproval().State != meta.ApprovalPending {
		t.Fatalf("the first approval: %s, %+v", wire.CodeName(code), c.theApproval())
	}
	if r := c.deletesAs("puppet", 2, 1); r.Code != wire.PolicyViolation || !strings.Contains(r.Message, "another administrator than User:alice") {
		t.Errorf("asked again after one: %+v", r)
	}
	for _, who := range []string{"alice", "puppet", "lent"} {
		if code := c.decides(who, 3, id, true); code != wire.PolicyViolation {
			t.Errorf("the second approval by %s: %s", who, wire.CodeName(code))
		}
	}
	if code := c.decides("carol", 4, id, true, "User:alice"); code != wire.PolicyViolation {
		t.Errorf("the second approval by a token of the first one's: %s", wire.CodeName(code))
	}
	restored, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil {
		t.Fatal(err)
	}
	c.img = restored
	if code := c.decides("bob", 5, id, true); code != wire.None || c.theApproval().State != meta.ApprovalGiven {
		t.Fatalf("the second approval: %s, %+v", wire.CodeName(code), c.theApproval())
	}
	if r := c.deletesAs("puppet", 6, 1); r.Code != wire.None {
		t.Errorf("asked again after two: %+v", r)
	}
}

// TestTheFirstOfTwoMayBeFollowedByARejection: by the same one, who takes it back.
func TestTheFirstOfTwoMayBeFollowedByARejection(t *testing.T) {
	c := withTopics(t, 1)
	c.deletesAs("puppet", 0, 1)
	id := c.theApproval().ID
	c.decides("alice", 1, id, true)
	if code := c.decides("alice", 2, id, false); code != wire.None || c.theApproval().State != meta.ApprovalRejected {
		t.Fatalf("the rejection: %s, %+v", wire.CodeName(code), c.theApproval())
	}
	if code := c.decides("bob", 3, id, true); code != wire.InvalidRequest {
		t.Errorf("an approval after it: %s", wire.CodeName(code))
	}
}

// TestAdministratorsTakeOne: a super user, and whom an ACL makes an administrator.
func TestAdministratorsTakeOne(t *testing.T) {
	c := withTopics(t, 1, 2)
	c.mustApply(&meta.CreateACLs{Bindings: []authz.Binding{superACL("User:alice")}})
	for i, who := range []string{"root", "alice"} {
		c.deletesAs(who, i, byte(1+i))
	}
	c.img.Approvals(func(a *meta.Approval) bool {
		if a.Two {
			t.Errorf("what %s asks for takes two", a.Requester)
		}
		return true
	})
}
