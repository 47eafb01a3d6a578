package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestNewDynamicMemberIsGivenAnIDFirst(t *testing.T) {
	h := newHarness(t, testConfig())
	c := h.client("a")
	r := answerOf[*kmsg.JoinGroupResponse](h, h.ask(c.joinRequest()))
	expectCode(t, "first join", r.ErrorCode, wire.MemberIDRequired)
	if r.MemberID != "a-1" {
		t.Fatalf("member id = %q", r.MemberID)
	}
	c.id = r.MemberID
	second := h.ask(c.joinRequest())
	if !h.parked(second) {
		t.Fatal("the join was answered before the initial delay")
	}
	h.pass(3 * time.Second)
	got := c.joined(second)
	expectCode(t, "second join", got.ErrorCode, wire.None)
	if got.LeaderID != c.id || got.Generation != 1 || *got.Protocol != "range" || len(got.Members) != 1 {
		t.Fatalf("join answer = %+v", got)
	}
}

func TestOldClientsJoinWithoutTheRoundTrip(t *testing.T) {
	h := newHarness(t, testConfig())
	c := h.client("a")
	c.version = 3
	ticket := h.ask(c.joinRequest())
	h.pass(3 * time.Second)
	expectCode(t, "join", c.joined(ticket).ErrorCode, wire.None)
}

func TestInitialDelayGrowsWithNewMembers(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.client("a"), h.client("b")
	first := a.join()
	h.pass(2 * time.Second)
	second := b.join()
	h.pass(2 * time.Second)
	if !h.parked(first) || !h.parked(second) {
		t.Fatal("the delay was not extended for the second member")
	}
	h.pass(2 * time.Second)
	if got := a.joined(first); len(got.Members) != 2 || got.LeaderID != a.id {
		t.Fatalf("leader's answer = %+v", got)
	}
	if got := b.joined(second); len(got.Members) != 0 || got.Generation != 1 {
		t.Fatalf("follower's answer = %+v", got)
	}
}

func TestJoinRefusals(t *testing.T) {
	tests := []struct {
		name   string
		stable bool
		change func(*Join)
		want   int16
	}{
		{"session too short", false, func(q *Join) { q.SessionTimeoutMillis = 5999 }, wire.InvalidSessionTimeout},
		{"session too long", false, func(q *Join) { q.SessionTimeoutMillis = 1_800_001 }, wire.InvalidSessionTimeout},
		{"member of no group", false, func(q *Join) { q.MemberID = "x" }, wire.UnknownMemberID},
		{"no protocols", false, func(q *Join) { q.Protocols = nil }, wire.InconsistentGroupProtocol},
		{"no protocol type", false, func(q *Join) { q.ProtocolType = "" }, wire.InconsistentGroupProtocol},
		{"another protocol type", true, func(q *Join) { q.ProtocolType = "connect" }, wire.InconsistentGroupProtocol},
		{"no common protocol", true, func(q *Join) { q.Protocols = protocolList("sticky") }, wire.InconsistentGroupProtocol},
		{"unknown member", true, func(q *Join) { q.MemberID = "x" }, wire.UnknownMemberID},
		{"unknown instance", true, func(q *Join) { i := "i"; q.MemberID, q.InstanceID = "x", &i }, wire.UnknownMemberID},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t, testConfig())
			if test.stable {
				h.stableGroup(h.client("a"))
			}
			q := h.client("b").joinRequest()
			test.change(&q)
			expectCode(t, "join", answerOf[*kmsg.JoinGroupResponse](h, h.ask(q)).ErrorCode, test.want)
			if !test.stable && len(h.m.groups) != 0 {
				t.Fatal("a refused join left a group behind")
			}
		})
	}
}

func TestGroupIsFull(t *testing.T) {
	h := newHarness(t, testConfig())
	h.stableGroup(h.client("a"), h.client("b"), h.client("c"))
	r := answerOf[*kmsg.JoinGroupResponse](h, h.ask(h.client("d").joinRequest()))
	expectCode(t, "fourth member", r.ErrorCode, wire.GroupMaxSizeReached)
}

func TestProtocolOfMostVotes(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b, c := h.client("a"), h.client("b"), h.client("c")
	both := func(first, second string) []kmsg.JoinGroupRequestProtocol {
		return append(protocolList(first, "t1"), protocolList(second, "t1")...)
	}
	a.protocols, b.protocols, c.protocols = both("range", "sticky"), both("sticky", "range"), both("sticky", "range")
	h.stableGroup(a, b, c)
	d := answerOf[*kmsg.DescribeGroupsResponseGroup](h, h.ask(Describe{Group: "g"}))
	if d.Protocol != "sticky" || len(d.Members) != 3 || string(d.Members[1].MemberAssignment) != "b" {
		t.Fatalf("described = %+v", d)
	}
}

func TestRejoinOfAStableGroup(t *testing.T) {
	h := newHarness(t, testConfig())
	leader, follower := h.client("a"), h.client("b")
	h.stableGroup(leader, follower)

	same := follower.joined(follower.join())
	if same.Generation != 1 || h.state() != "Stable" {
		t.Fatalf("a follower that missed the answer started a rebalance: %+v", same)
	}

	leading := leader.join()
	if !h.parked(leading) || h.state() != "PreparingRebalance" {
		t.Fatal("a leader that joins again has to start a rebalance")
	}
	expectCode(t, "heartbeat while rebalancing", follower.heartbeat(), wire.RebalanceInProgress)
	expectCode(t, "sync while rebalancing", h.reply(follower.sync()).Code, wire.RebalanceInProgress)
	following := follower.join()
	if got := leader.joined(leading); got.Generation != 2 || len(got.Members) != 2 {
		t.Fatalf("leader's answer = %+v", got)
	}
	follower.joined(following)

	follower.protocols = protocolList("range", "t1", "t2")
	changed := follower.join()
	if !h.parked(changed) || h.state() != "PreparingRebalance" {
		t.Fatal("a changed subscription has to start a rebalance")
	}
}

func TestMemberThatDoesNotRejoinIsRemoved(t *testing.T) {
	h := newHarness(t, testConfig())
	leader, follower := h.client("a"), h.client("b")
	h.stableGroup(leader, follower)
	ticket := follower.join()
	follower.protocols = protocolList("range", "t2")
	ticket2 := follower.join()
	if h.parked(ticket) || !h.parked(ticket2) {
		t.Fatal("the first join says nothing new, the second has to wait")
	}
	h.pass(11 * time.Second)
	got := follower.joined(ticket2)
	if got.Generation != 2 || got.LeaderID != follower.id || len(got.Members) != 1 {
		t.Fatalf("answer = %+v", got)
	}
	expectCode(t, "heartbeat of the removed", leader.heartbeat(), wire.UnknownMemberID)
}

func TestJoinAgainOverAnotherConnection(t *testing.T) {
	h := newHarness(t, testConfig())
	c := h.client("a")
	first := c.join()
	second := h.ask(c.joinRequest())
	expectCode(t, "the join that is given up", h.reply(first).Code, wire.RebalanceInProgress)
	h.pass(3 * time.Second)
	expectCode(t, "the join that counts", c.joined(second).ErrorCode, wire.None)
}

func TestPendingMemberHoldsUpTheRebalance(t *testing.T) {
	h := newHarness(t, testConfig())
	leader := h.client("a")
	h.stableGroup(leader)
	comer := h.client("b")
	id := answerOf[*kmsg.JoinGroupResponse](h, h.ask(comer.joinRequest())).MemberID
	again := leader.join()
	if !h.parked(again) {
		t.Fatal("the rebalance did not wait for the member that was given an id")
	}
	comer.id = id
	ticket := h.ask(comer.joinRequest())
	if got := leader.joined(again); len(got.Members) != 2 {
		t.Fatalf("leader's answer = %+v", got)
	}
	comer.joined(ticket)
}

func TestPendingMemberIsGivenUp(t *testing.T) {
	h := newHarness(t, testConfig())
	h.ask(h.client("a").joinRequest())
	if h.state() != "Empty" {
		t.Fatal("a group with a pending member has to exist")
	}
	h.pass(10 * time.Second)
	if h.state() != "Dead" {
		t.Fatal("a group that nobody came to was kept")
	}
}

func TestPendingMembersAreBounded(t *testing.T) {
	h := newHarness(t, testConfig())
	c := h.client("a")
	for range maxPending {
		h.ask(c.joinRequest())
	}
	r := answerOf[*kmsg.JoinGroupResponse](h, h.ask(c.joinRequest()))
	expectCode(t, "one more", r.ErrorCode, wire.GroupMaxSizeReached)
	h.pass(10 * time.Second)
	if len(h.m.groups) != 0 {
		t.Fatal("the group was kept")
	}
}
