package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// commitAs commits offset 7 of one partition for a member.
func (c *consumer) commitAs(topic string, partition, epoch int32, version int16) int16 {
	c.h.t.Helper()
	q := c.h.commitRequest(nil, topic, partition, 7, "")
	q.Version, q.MemberID, q.Generation, q.Topics[0].TopicID = version, c.id, epoch, idOf(topic)
	r := c.h.reply(c.h.ask(q))
	if r.Code != wire.None {
		return r.Code
	}
	return r.Answer.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

func (c *consumer) commitInTxn(partition, epoch int32) int16 {
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.Version, q.Group, q.ProducerID, q.MemberID, q.Generation = 3, "g", 5, c.id, epoch
	one := kmsg.NewTxnOffsetCommitRequestTopic()
	one.Topic, one.Partitions = "t1", []kmsg.TxnOffsetCommitRequestTopicPartition{{Partition: partition}}
	q.Topics = append(q.Topics, one)
	return c.h.reply(c.h.ask(CommitTxn{TxnOffsetCommitRequest: q})).Code
}

func TestAMemberCommitsWhatItHas(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.consumer("a", "t1"), h.consumer("b", "t1")
	h.beats(a)
	first := a.epoch
	b.heartbeat()
	a.ask(a.request())
	kept, given := a.assigned["t1"][0], a.has["t1"][3]
	expectCode(t, "at its epoch", a.commitAs("t1", kept, a.epoch, 9), wire.None)
	expectCode(t, "what it has to give back", a.commitAs("t1", given, a.epoch, 9), wire.None)
	expectCode(t, "by an old version", a.commitAs("t1", kept, a.epoch, 8), wire.UnsupportedVersion)
	expectCode(t, "at a later epoch", a.commitAs("t1", kept, a.epoch+5, 9), wire.StaleMemberEpoch)
	a.has = a.assigned
	h.beats(a, b)
	expectCode(t, "at the epoch when it was given it", a.commitAs("t1", kept, first, 9), wire.None)
	expectCode(t, "what it has given back", a.commitAs("t1", given, first, 9), wire.StaleMemberEpoch)
	expectCode(t, "before it was given it", a.commitAs("t1", kept, first-1, 9), wire.StaleMemberEpoch)
	expectCode(t, "nobody", h.commit(nil, "t1", 1), wire.UnknownMemberID)
	fetch := func(memberID *string, epoch int32) int16 {
		return h.reply(h.ask(Fetch{Group: "g", MemberID: memberID, MemberEpoch: epoch})).Code
	}
	expectCode(t, "read at its epoch", fetch(&a.id, a.epoch), wire.None)
	expectCode(t, "read at another", fetch(&a.id, a.epoch-1), wire.StaleMemberEpoch)
	expectCode(t, "read as a stranger", fetch(&h.consumer("x").id, 1), wire.UnknownMemberID)
	expectCode(t, "read as nobody in particular", fetch(nil, -1), wire.None)
	expectCode(t, "in a transaction", a.commitInTxn(kept, a.epoch), wire.None)
	expectCode(t, "in a transaction, what it has given back", a.commitInTxn(given, first), wire.IllegalGeneration)
	a.leave(-1)
	b.leave(-1)
	expectCode(t, "nobody for a group without members", h.commit(nil, "t1", 1), wire.None)
}

func TestOffsetsOutliveTheMembers(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.consumer("a", "t1")
	expectCode(t, "before there is a group of the protocol", h.commit(nil, "t1", 4), wire.None)
	h.beats(a)
	if at := h.committed("t1"); at != 4 {
		t.Fatalf("the offset is %d", at)
	}
	deleteOffset := func() int16 {
		q := kmsg.NewPtrOffsetDeleteRequest()
		q.Group = "g"
		q.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: "t1", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}}}
		return answerOf[*kmsg.OffsetDeleteResponse](h, h.ask(DeleteOffsets{q})).Topics[0].Partitions[0].ErrorCode
	}
	expectCode(t, "delete what is read", deleteOffset(), wire.GroupSubscribedToTopic)
	expectCode(t, "delete the group", h.reply(h.ask(Delete{Group: "g"})).Code, wire.NonEmptyGroup)
	a.leave(-1)
	h.reload(testConfig())
	if at := h.committed("t1"); at != 4 {
		t.Fatalf("after a restart the offset is %d", at)
	}
	expectCode(t, "delete the offset", deleteOffset(), wire.None)
	expectCode(t, "delete the group", h.reply(h.ask(Delete{Group: "g"})).Code, wire.None)
	expectCode(t, "once", h.reply(h.ask(Delete{Group: "g"})).Code, wire.GroupIDNotFound)
	h.reload(testConfig())
	if list := answerOf[[]kmsg.ListGroupsResponseGroup](h, h.ask(List{})); len(list) != 0 {
		t.Fatalf("left are %+v", list)
	}
}

func TestOffsetsOfAConsumerGroupExpire(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.consumer("a", "t1")
	h.beats(a)
	expectCode(t, "commit", a.commitAs("t1", 0, a.epoch, 9), wire.None)
	expectCode(t, "commit", a.commitAs("t2", 0, a.epoch, 9), wire.None)
	for range 5 * 60 {
		h.pass(30 * time.Second)
		a.heartbeat()
	}
	if h.committed("t1") != 7 || h.committed("t2") != -1 {
		t.Fatalf("offsets %d and %d", h.committed("t1"), h.committed("t2"))
	}
	a.leave(-1)
	h.pass(2 * time.Hour)
	h.expectNotOfConsumers("g", "Group g not found.")
	if h.committed("t1") != -1 {
		t.Fatal("the offset is there")
	}
}

func TestAGroupWithoutMembersChangesItsProtocol(t *testing.T) {
	h := newHarness(t, testConfig())
	c := h.client("c")
	h.stableGroup(c)
	expectCode(t, "commit", h.commit(c, "t1", 5), wire.None)
	h.expectNotOfConsumers("g", "Group g is not a consumer group.")
	a := h.consumer("a", "t1")
	expectCode(t, "while there are members", a.heartbeat(), wire.GroupIDNotFound)
	h.leave(leaving(c))
	h.beats(a)
	h.reload(testConfig())
	h.beats(a)
	a.leave(-1)
	d := h.client("d")
	h.stableGroup(d)
	h.reload(testConfig())
	if h.state() != "Stable" || h.committed("t1") != 5 || len(h.m.modern) != 0 {
		t.Fatalf("%s, offset %d, %d consumer groups", h.state(), h.committed("t1"), len(h.m.modern))
	}
}
