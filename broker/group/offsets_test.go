package group

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestCommitByMembersAndByOthers(t *testing.T) {
	h := newHarness(t, testConfig())
	expectCode(t, "commit of a group without members", h.commit(nil, "t1", 5), wire.None)
	if got := h.committed("t1"); got != 5 {
		t.Fatalf("offset = %d", got)
	}
	a := h.client("a")
	h.stableGroup(a)
	expectCode(t, "commit of a member", h.commit(a, "t1", 6), wire.None)
	expectCode(t, "commit of nobody", h.commit(nil, "t1", 7), wire.UnknownMemberID)
	stranger := *a
	stranger.id = "x"
	expectCode(t, "commit of a stranger", h.commit(&stranger, "t1", 7), wire.UnknownMemberID)
	late := *a
	late.generation--
	expectCode(t, "commit of an old generation", h.commit(&late, "t1", 7), wire.IllegalGeneration)
	if got := h.committed("t1"); got != 6 {
		t.Fatalf("offset = %d", got)
	}
}

func TestCommitForAGroupThatIsNotThere(t *testing.T) {
	h := newHarness(t, testConfig())
	member := &client{generation: 3, id: "x"}
	q := h.commitRequest(member, "t1", 0, 1, "")
	expectCode(t, "v9", h.reply(h.ask(q)).Code, wire.GroupIDNotFound)
	q.Version = 8
	expectCode(t, "v8", h.reply(h.ask(q)).Code, wire.IllegalGeneration)
}

func TestCommitMetadata(t *testing.T) {
	tests := []struct {
		metadata string
		want     int16
	}{
		{"", wire.None},
		{strings.Repeat("x", 16), wire.None},
		{strings.Repeat("ä", 16), wire.None},
		{strings.Repeat("x", 17), wire.OffsetMetadataTooLarge},
		{strings.Repeat("😀", 8), wire.None},
		{strings.Repeat("😀", 9), wire.OffsetMetadataTooLarge},
	}
	for _, test := range tests {
		h := newHarness(t, testConfig())
		r := answerOf[*kmsg.OffsetCommitResponse](h, h.ask(h.commitRequest(nil, "t1", 0, 1, test.metadata)))
		expectCode(t, test.metadata, r.Topics[0].Partitions[0].ErrorCode, test.want)
		if stored := h.committed("t1") == 1; stored != (test.want == wire.None) {
			t.Fatalf("%q: stored = %t", test.metadata, stored)
		}
		if test.want != wire.None && len(h.m.groups) != 0 {
			t.Fatalf("%q: the refused commit made a group", test.metadata)
		}
	}
}

func TestCommitThatDoesNotFitTheLog(t *testing.T) {
	h := newHarness(t, testConfig())
	q := h.commitRequest(nil, "t1", 0, 1, "")
	for i := range int32(100) {
		p := q.Topics[0].Partitions[0]
		p.Partition = i
		q.Topics[0].Partitions = append(q.Topics[0].Partitions, p)
	}
	expectCode(t, "commit", h.reply(h.ask(q)).Code, wire.InvalidCommitOffsetSize)
	if h.committed("t1") != -1 || len(h.log) != 0 {
		t.Fatal("something of it was stored")
	}
}

func TestFetchAll(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commit(nil, "t2", 9)
	h.ask(h.commitRequest(nil, "t1", 3, 4, "note"))
	r := answerOf[*kmsg.OffsetFetchResponseGroup](h, h.ask(Fetch{Group: "g"}))
	note, none := "note", ""
	want := []kmsg.OffsetFetchResponseGroupTopic{
		{Topic: "t1", Partitions: []kmsg.OffsetFetchResponseGroupTopicPartition{{Partition: 3, Offset: 4, LeaderEpoch: 7, Metadata: &note}}},
		{Topic: "t2", Partitions: []kmsg.OffsetFetchResponseGroupTopicPartition{{Partition: 0, Offset: 9, LeaderEpoch: 7, Metadata: &none}}},
	}
	if diff := cmp.Diff(want, r.Topics, ignoreTags()); diff != "" {
		t.Fatal(diff)
	}
	if got := answerOf[*kmsg.OffsetFetchResponseGroup](h, h.ask(Fetch{Group: "x"})); len(got.Topics) != 0 {
		t.Fatalf("offsets of no group: %+v", got)
	}
}

func ignoreTags() cmp.Option {
	return cmp.FilterValues(func(kmsg.Tags, kmsg.Tags) bool { return true }, cmp.Ignore())
}

func TestOffsetsOfAnEarlierTopicOfTheName(t *testing.T) {
	h := newHarness(t, testConfig())
	q := h.commitRequest(nil, "t1", 0, 5, "")
	q.Topics[0].TopicID = [16]byte{1}
	h.ask(q)
	for _, test := range []struct {
		id   [16]byte
		want int64
	}{{[16]byte{1}, 5}, {[16]byte{2}, -1}, {[16]byte{}, 5}} {
		one := kmsg.OffsetFetchRequestGroupTopic{Topic: "t1", TopicID: test.id, Partitions: []int32{0}}
		r := answerOf[*kmsg.OffsetFetchResponseGroup](h, h.ask(Fetch{Group: "g", Topics: []kmsg.OffsetFetchRequestGroupTopic{one}}))
		if got := r.Topics[0].Partitions[0].Offset; got != test.want {
			t.Fatalf("id %v: offset = %d, want %d", test.id, got, test.want)
		}
	}
	h.ask(TopicsDeleted{Topics: []TopicRef{{Name: "t1", ID: [16]byte{2}}}})
	if h.committed("t1") != 5 {
		t.Fatal("the deletion of another topic took the offset")
	}
	h.ask(TopicsDeleted{Topics: []TopicRef{{Name: "t1", ID: [16]byte{1}}}})
	if h.committed("t1") != -1 || len(h.m.groups) != 0 {
		t.Fatal("the offset outlived its topic")
	}
	h.reload(testConfig())
	if h.committed("t1") != -1 {
		t.Fatal("the offset is back after a restart")
	}
}

func (h *harness) deleteOffset(topic string) int16 {
	h.t.Helper()
	r := kmsg.NewPtrOffsetDeleteRequest()
	r.Group = "g"
	r.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}}}
	reply := h.reply(h.ask(DeleteOffsets{r}))
	if reply.Code != wire.None {
		return reply.Code
	}
	return reply.Answer.(*kmsg.OffsetDeleteResponse).Topics[0].Partitions[0].ErrorCode
}

func TestDeleteOffsets(t *testing.T) {
	h := newHarness(t, testConfig())
	expectCode(t, "of no group", h.deleteOffset("t1"), wire.GroupIDNotFound)
	h.commit(nil, "t1", 1)
	h.commit(nil, "t2", 2)
	h.stableGroup(h.client("a"))
	expectCode(t, "of a topic that is read", h.deleteOffset("t1"), wire.GroupSubscribedToTopic)
	expectCode(t, "of a topic that is not read", h.deleteOffset("t2"), wire.None)
	h.reload(testConfig())
	if h.committed("t1") != 1 || h.committed("t2") != -1 {
		t.Fatalf("offsets = %d, %d", h.committed("t1"), h.committed("t2"))
	}
}

func TestDeleteOffsetsOfAnotherProtocol(t *testing.T) {
	h := newHarness(t, testConfig())
	q := h.client("a").joinRequest()
	q.Version, q.ProtocolType = 3, "connect"
	h.ask(q)
	expectCode(t, "delete", h.deleteOffset("t1"), wire.NonEmptyGroup)
}

func TestDeleteGroup(t *testing.T) {
	h := newHarness(t, testConfig())
	expectCode(t, "no group", h.reply(h.ask(Delete{Group: "g"})).Code, wire.GroupIDNotFound)
	a := h.client("a")
	h.stableGroup(a)
	h.commit(a, "t1", 1)
	expectCode(t, "with members", h.reply(h.ask(Delete{Group: "g"})).Code, wire.NonEmptyGroup)
	h.leave(leaving(a))
	expectCode(t, "without members", h.reply(h.ask(Delete{Group: "g"})).Code, wire.None)
	if h.state() != "Dead" || h.committed("t1") != -1 {
		t.Fatal("something is left")
	}
	h.reload(testConfig())
	if len(h.m.groups) != 0 {
		t.Fatal("the group is back after a restart")
	}
}

func TestListGroups(t *testing.T) {
	h := newHarness(t, testConfig())
	h.stableGroup(h.client("a"))
	other := h.commitRequest(nil, "t1", 0, 1, "")
	other.Group = "simple"
	h.ask(other)
	tests := []struct {
		name string
		q    List
		want []string
	}{
		{"all", List{}, []string{"g", "simple"}},
		{"by state", List{States: []string{"stable "}}, []string{"g"}},
		{"by two states", List{States: []string{"Empty", "Stable"}}, []string{"g", "simple"}},
		{"by type", List{Types: []string{"Classic"}}, []string{"g", "simple"}},
		{"of another type", List{Types: []string{"consumer"}}, nil},
		{"of no state", List{States: []string{"Nowhere"}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, g := range answerOf[[]kmsg.ListGroupsResponseGroup](h, h.ask(test.q)) {
				got = append(got, g.Group)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestOffsetsExpire(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(h *harness)
		// after an hour and one check
		want map[string]int64
		dead bool
	}{
		{"simple group", func(h *harness) { h.commit(nil, "t1", 1) }, map[string]int64{"t1": -1}, true},
		{"empty group", func(h *harness) {
			a := h.client("a")
			h.stableGroup(a)
			h.commit(a, "t1", 1)
			h.leave(leaving(a))
		}, map[string]int64{"t1": -1}, true},
		{"own retention", func(h *harness) {
			q := h.commitRequest(nil, "t1", 0, 1, "")
			q.Version, q.RetentionTimeMillis = 4, (3 * time.Hour).Milliseconds()
			h.ask(q)
			h.commit(nil, "t2", 1)
		}, map[string]int64{"t1": 1, "t2": -1}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t, testConfig())
			test.prepare(h)
			h.pass(59 * time.Minute)
			for topic := range test.want {
				if h.committed(topic) == -1 {
					t.Fatalf("offset of %s expired too early", topic)
				}
			}
			h.reload(testConfig())
			h.pass(11 * time.Minute)
			for topic, want := range test.want {
				if got := h.committed(topic); got != want {
					t.Fatalf("offset of %s = %d, want %d", topic, got, want)
				}
			}
			if dead := h.state() == "Dead"; dead != test.dead {
				t.Fatalf("state = %s", h.state())
			}
		})
	}
}

func TestOffsetsInUseStay(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commit(nil, "t1", 1)
	h.commit(nil, "t2", 2)
	a := h.client("a")
	h.stableGroup(a)
	for range 8 * 70 {
		h.pass(8 * time.Second)
		a.heartbeat()
	}
	if h.committed("t1") != 1 || h.committed("t2") != -1 {
		t.Fatalf("offsets = %d (subscribed), %d (not)", h.committed("t1"), h.committed("t2"))
	}
}
