package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestGroupSurvivesARestart(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.client("a"), h.staticClient("b", "i1")
	h.stableGroup(a, b)
	h.commit(a, "t1", 42)
	h.reload(testConfig())
	expectCode(t, "heartbeat", a.heartbeat(), wire.None)
	if got := answerOf[*kmsg.SyncGroupResponse](h, b.sync()); string(got.MemberAssignment) != "b" {
		t.Fatalf("assignment = %q", got.MemberAssignment)
	}
	d := answerOf[*kmsg.DescribeGroupsResponseGroup](h, h.ask(Describe{Group: "g"}))
	if d.State != "Stable" || d.ProtocolType != "consumer" || d.Protocol != "range" || len(d.Members) != 2 ||
		d.Members[0].ClientHost != "/10.0.0.1" || d.Members[0].ClientID != "a" || *d.Members[1].InstanceID != "i1" {
		t.Fatalf("described = %+v", d)
	}
	if h.committed("t1") != 42 {
		t.Fatalf("offset = %d", h.committed("t1"))
	}
	h.pass(10 * time.Second)
	if h.state() != "Empty" {
		t.Fatal("the sessions of members that were loaded do not end")
	}
}

func TestLimitLoweredAcrossARestart(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.client("a"), h.client("b")
	h.stableGroup(a, b)
	cfg := testConfig()
	cfg.MaxSize = 1
	h.reload(cfg)
	ticket := a.join()
	r := answerOf[*kmsg.JoinGroupResponse](h, b.join())
	expectCode(t, "the second to come back", r.ErrorCode, wire.GroupMaxSizeReached)
	if got := a.joined(ticket); len(got.Members) != 1 {
		t.Fatalf("answer = %+v", got)
	}
}

func TestRecordsAreKafkas(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	h.stableGroup(a)
	q := h.commitRequest(a, "t1", 2, 42, "m")
	q.Topics[0].TopicID = [16]byte{9}
	h.ask(q)
	var group kmsg.GroupMetadataValue
	if err := group.ReadFrom(h.log[0].Value); err != nil {
		t.Fatal(err)
	}
	if group.Version != 3 || group.Generation != 1 || *group.Leader != a.id || len(group.Members) != 1 ||
		group.Members[0].SessionTimeoutMillis != 10_000 || group.CurrentStateTimestamp <= 0 {
		t.Fatalf("group record = %+v", group)
	}
	var key kmsg.OffsetCommitKey
	var value kmsg.OffsetCommitValue
	if err := key.ReadFrom(h.log[1].Key); err != nil {
		t.Fatal(err)
	}
	if err := value.ReadFrom(h.log[1].Value); err != nil {
		t.Fatal(err)
	}
	if key.Version != 1 || key.Topic != "t1" || key.Partition != 2 ||
		value.Version != 4 || value.Offset != 42 || value.LeaderEpoch != 7 || value.TopicID != [16]byte{9} {
		t.Fatalf("offset record = %+v, %+v", key, value)
	}
}

func TestReplayOfOldAndForeignRecords(t *testing.T) {
	m := New(testConfig())
	old := kmsg.OffsetCommitValue{Version: 1, Offset: 8, CommitTimestamp: 5, ExpireTimestamp: 10}
	if err := m.Replay(Entry{Record: Record{Key: offsetRecordKey("g", "t1", 0), Value: old.AppendTo(nil)}}); err != nil {
		t.Fatal(err)
	}
	o, _ := m.offsets.get("g", "t1", 0)
	if o.offset != 8 || o.leaderEpoch != -1 || o.expires != time.UnixMilli(10) {
		t.Fatalf("offset = %+v", o)
	}
	zero := kmsg.GroupMetadataValue{
		Version: 0, ProtocolType: "consumer", Generation: 4,
		Members: []kmsg.GroupMetadataValueMember{{MemberID: "m", SessionTimeoutMillis: 7000}},
	}
	if err := m.Replay(Entry{Record: Record{Key: groupRecordKey("g"), Value: zero.AppendTo(nil)}}); err != nil {
		t.Fatal(err)
	}
	if g := m.groups["g"]; g.state != Stable || g.members["m"].rebalanceTimeout != 7*time.Second || len(m.offsets.of("g")) != 1 {
		t.Fatalf("group = %+v", g)
	}
	for _, foreign := range []byte{9, 11, 17, 25} {
		if err := m.Replay(Entry{Record: Record{Key: []byte{0, foreign, 1, 2}, Value: []byte{1}}}); err != nil {
			t.Fatalf("key type %d: %v", foreign, err)
		}
	}
	malformed := []Record{
		{}, {Key: []byte{0}}, {Key: []byte{0, 1, 0}}, {Key: []byte{0, 3, 1, 2}}, {Key: groupRecordKey("g"), Value: []byte{0, 3, 9}},
	}
	for _, bad := range malformed {
		if err := m.Replay(Entry{Record: bad}); err == nil {
			t.Fatalf("%v was taken", bad)
		}
	}
}

func TestRepliesWaitForTheLog(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commit(nil, "t1", 1)
	h.manual = true
	commit := h.ask(h.commitRequest(nil, "t1", 0, 2, ""))
	one := kmsg.OffsetFetchRequestGroupTopic{Topic: "t1", Partitions: []int32{0}}
	read := h.ask(Fetch{Group: "g", Topics: []kmsg.OffsetFetchRequestGroupTopic{one}})
	later := h.ask(h.commitRequest(nil, "t1", 0, 3, ""))
	if !h.parked(commit) || !h.parked(read) || !h.parked(later) {
		t.Fatal("a reply told what is not in the log")
	}
	h.step(Appended{Seq: h.seq - 1})
	if h.parked(commit) || h.parked(read) || !h.parked(later) {
		t.Fatal("replies do not follow the confirmation")
	}
	if got := answerOf[*kmsg.OffsetFetchResponseGroup](h, read).Topics[0].Partitions[0].Offset; got != 2 {
		t.Fatalf("offset = %d", got)
	}
	h.step(Failed{Code: wire.CoordinatorNotAvailable})
	expectCode(t, "the append that failed", h.reply(later).Code, wire.CoordinatorNotAvailable)
	expectCode(t, "after the failure", h.reply(h.ask(Describe{Group: "g"})).Code, wire.NotCoordinator)
}

func TestFailureAnswersThoseWhoWait(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	joining := a.join()
	h.step(Failed{Code: wire.NotCoordinator})
	expectCode(t, "the join", h.reply(joining).Code, wire.NotCoordinator)
	if !h.wake.IsZero() {
		t.Fatal("a machine that has ended wants to be woken")
	}
}

func TestLargeRemovalsAreSplit(t *testing.T) {
	h := newHarness(t, testConfig())
	for i := range int32(200) {
		h.ask(h.commitRequest(nil, "t1", i, 1, ""))
	}
	before := h.seq
	expectCode(t, "delete", h.reply(h.ask(Delete{Group: "g"})).Code, wire.None)
	if h.seq-before < 2 {
		t.Fatal("the tombstones went into one batch")
	}
	h.reload(testConfig())
	if len(h.m.groups) != 0 {
		t.Fatal("something is left")
	}
}
