package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestSyncWaitsForTheLeader(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.client("a"), h.client("b")
	h.generation(a, b)
	following := b.sync()
	if !h.parked(following) {
		t.Fatal("a follower was answered before the leader came")
	}
	expectCode(t, "commit before the assignment", h.commit(b, "t1", 1), wire.RebalanceInProgress)
	leading := a.sync(a.id, "A")
	got := answerOf[*kmsg.SyncGroupResponse](h, leading)
	if string(got.MemberAssignment) != "A" || *got.ProtocolType != "consumer" || *got.Protocol != "range" {
		t.Fatalf("leader's answer = %+v", got)
	}
	if got := answerOf[*kmsg.SyncGroupResponse](h, following); len(got.MemberAssignment) != 0 {
		t.Fatalf("a member that was left out got %q", got.MemberAssignment)
	}
}

func TestSyncRefusals(t *testing.T) {
	other := "sticky"
	tests := []struct {
		name   string
		change func(*kmsg.SyncGroupRequest)
		want   int16
	}{
		{"unknown group", func(r *kmsg.SyncGroupRequest) { r.Group = "x" }, wire.UnknownMemberID},
		{"unknown member", func(r *kmsg.SyncGroupRequest) { r.MemberID = "x" }, wire.UnknownMemberID},
		{"old generation", func(r *kmsg.SyncGroupRequest) { r.Generation = 0 }, wire.IllegalGeneration},
		{"other protocol", func(r *kmsg.SyncGroupRequest) { r.Protocol = &other }, wire.InconsistentGroupProtocol},
		{"other type", func(r *kmsg.SyncGroupRequest) { r.ProtocolType = &other }, wire.InconsistentGroupProtocol},
		{"as it should be", func(*kmsg.SyncGroupRequest) {}, wire.None},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t, testConfig())
			a := h.client("a")
			h.stableGroup(a)
			r := kmsg.NewPtrSyncGroupRequest()
			r.Version, r.Group, r.Generation, r.MemberID = 5, "g", a.generation, a.id
			test.change(r)
			expectCode(t, "sync", h.reply(h.ask(Sync{r})).Code, test.want)
		})
	}
}

func TestMembersThatDoNotSyncAreRemoved(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.client("a"), h.client("b")
	h.generation(a, b)
	waiting := b.sync()
	for range 8 {
		a.heartbeat()
		h.pass(8 * time.Second)
	}
	expectCode(t, "the sync that waited for the leader", h.reply(waiting).Code, wire.RebalanceInProgress)
	if h.state() != "PreparingRebalance" {
		t.Fatalf("state = %s", h.state())
	}
	expectCode(t, "the leader that did not sync", a.heartbeat(), wire.UnknownMemberID)
}

func TestHeartbeats(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	h.stableGroup(a)
	for range 5 {
		h.pass(9 * time.Second)
		expectCode(t, "heartbeat", a.heartbeat(), wire.None)
	}
	a.generation++
	expectCode(t, "heartbeat of another generation", a.heartbeat(), wire.IllegalGeneration)
	a.generation--
	h.pass(10 * time.Second)
	expectCode(t, "heartbeat after the session", a.heartbeat(), wire.UnknownMemberID)
	if h.state() != "Empty" {
		t.Fatalf("state = %s", h.state())
	}
}

func TestCommitKeepsTheSession(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	h.stableGroup(a)
	for range 3 {
		h.pass(9 * time.Second)
		expectCode(t, "commit", h.commit(a, "t1", 5), wire.None)
	}
	expectCode(t, "heartbeat", a.heartbeat(), wire.None)
}

func TestLeave(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b, s := h.client("a"), h.client("b"), h.staticClient("s", "i1")
	h.stableGroup(a, b, s)
	nobody := kmsg.LeaveGroupRequestMember{MemberID: "x"}
	admin := kmsg.LeaveGroupRequestMember{InstanceID: s.instance}
	r := h.leave(leaving(b), nobody, admin)
	for i, want := range []int16{wire.None, wire.UnknownMemberID, wire.None} {
		expectCode(t, "leave", r.Members[i].ErrorCode, want)
	}
	if h.state() != "PreparingRebalance" {
		t.Fatalf("state = %s", h.state())
	}
	if got := a.joined(a.join()); len(got.Members) != 1 || got.Generation != 2 {
		t.Fatalf("answer = %+v", got)
	}
	h.leave(leaving(a))
	if h.state() != "Empty" {
		t.Fatalf("state = %s", h.state())
	}
	r = h.leave(leaving(a))
	expectCode(t, "leave twice", r.Members[0].ErrorCode, wire.UnknownMemberID)
}

func TestLeaveBeforeTheFirstRebalance(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	ticket := a.join()
	h.leave(leaving(a))
	expectCode(t, "the join of who left", answerOf[*kmsg.JoinGroupResponse](h, ticket).ErrorCode, wire.UnknownMemberID)
	h.pass(3 * time.Second)
	if h.state() != "Empty" {
		t.Fatalf("state = %s", h.state())
	}
}

func TestStaticMemberComesBack(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.staticClient("a", "i1"), h.staticClient("b", "i2")
	h.stableGroup(a, b)
	old := *a
	a.id = ""
	got := a.joined(h.ask(a.joinRequest()))
	if got.Generation != 1 || got.MemberID == old.id || got.LeaderID != a.id || !got.SkipAssignment || len(got.Members) != 2 {
		t.Fatalf("answer = %+v", got)
	}
	if sync := answerOf[*kmsg.SyncGroupResponse](h, a.sync()); string(sync.MemberAssignment) != "a" {
		t.Fatalf("assignment = %q", sync.MemberAssignment)
	}
	expectCode(t, "heartbeat of the old self", old.heartbeat(), wire.FencedInstanceID)
	expectCode(t, "commit of the old self", h.commit(&old, "t1", 1), wire.FencedInstanceID)
	expectCode(t, "sync of the old self", h.reply(old.sync()).Code, wire.FencedInstanceID)
	expectCode(t, "join of the old self", answerOf[*kmsg.JoinGroupResponse](h, h.ask(old.joinRequest())).ErrorCode, wire.FencedInstanceID)
	expectCode(t, "leave of the old self", h.leave(leaving(&old)).Members[0].ErrorCode, wire.FencedInstanceID)

	a.id, a.version = "", 8
	before := got.MemberID
	older := answerOf[*kmsg.JoinGroupResponse](h, h.ask(a.joinRequest()))
	if older.LeaderID != before || len(older.Members) != 0 || older.SkipAssignment {
		t.Fatalf("an old client has to believe that it follows: %+v", older)
	}
}

func TestStaticMemberComesBackChanged(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.staticClient("a", "i1"), h.staticClient("b", "i2")
	a.protocols = append(protocolList("range", "t1"), protocolList("sticky", "t1")...)
	b.protocols = append(protocolList("range", "t1"), protocolList("sticky", "t1")...)
	h.stableGroup(a, b)
	a.id, a.protocols = "", protocolList("sticky", "t1")
	if ticket := h.ask(a.joinRequest()); !h.parked(ticket) || h.state() != "PreparingRebalance" {
		t.Fatal("another protocol has to rebalance the group")
	}
}

func TestStaticMemberComesBackWhileItsFormerSelfWaits(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.staticClient("a", "i1")
	first := h.ask(a.joinRequest())
	second := h.ask(a.joinRequest())
	r := answerOf[*kmsg.JoinGroupResponse](h, first)
	expectCode(t, "the former self", r.ErrorCode, wire.FencedInstanceID)
	h.pass(9 * time.Second)
	if got := a.joined(second); got.Generation != 1 || got.LeaderID != a.id {
		t.Fatalf("answer = %+v", got)
	}
}

func TestStaticMemberStaysWhileItIsAway(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.staticClient("a", "i1"), h.client("b")
	h.stableGroup(a, b)
	b.protocols = protocolList("range", "t2")
	ticket := b.join()
	h.pass(9 * time.Second)
	if !h.parked(ticket) {
		t.Fatal("the static member was not waited for")
	}
	h.pass(2 * time.Second)
	if got := b.joined(ticket); got.LeaderID != b.id || len(got.Members) != 1 {
		t.Fatalf("answer = %+v", got)
	}
}

func TestAssignmentThatDoesNotFitTheLog(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	ticket := a.join()
	h.pass(3 * time.Second)
	a.joined(ticket)
	expectCode(t, "sync", h.reply(a.sync(a.id, string(make([]byte, 5000)))).Code, wire.UnknownServerError)
	if h.state() != "PreparingRebalance" {
		t.Fatalf("state = %s", h.state())
	}
	if got := a.joined(a.join()); got.Generation != 2 {
		t.Fatalf("answer = %+v", got)
	}
}
