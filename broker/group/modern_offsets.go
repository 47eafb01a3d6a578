package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// commitWithEpoch is the first version of OffsetCommit that members of the consumer protocol may use (KIP-848).
const commitWithEpoch = 9

func (m *Machine) commitModern(ticket uint64, g *modernGroup, q Commit) {
	if mb := g.members[q.MemberID]; mb != nil && mb.told.Classic == nil && q.Version < commitWithEpoch {
		m.refuse(ticket, wire.UnsupportedVersion)
		return
	}
	if code := g.validateCommit(q.MemberID, q.Generation, q.Topics); code != wire.None {
		m.refuse(ticket, code)
		return
	}
	m.storeOffsets(ticket, q)
}

// validateCommit lets members commit what they have at the epoch at which they were given it, or later (KIP-1251), and anybody for a
// group without members.
func (g *modernGroup) validateCommit(memberID string, epoch int32, topics []kmsg.OffsetCommitRequestTopic) int16 {
	if epoch < 0 && len(g.members) == 0 {
		return wire.None
	}
	mb := g.members[memberID]
	switch {
	case mb == nil:
		return wire.UnknownMemberID
	case epoch == mb.epoch:
		return wire.None
	case epoch > mb.epoch:
		return mb.stale()
	}
	for _, topic := range topics {
		for i := range topic.Partitions {
			given, has := mb.given(topic.TopicID, topic.Partitions[i].Partition)
			if !has || epoch < given {
				return mb.stale()
			}
		}
	}
	return wire.None
}

// given is the member's epoch when it was given a partition that it may be using.
func (mb *modernMember) given(topic [16]byte, partition int32) (epoch int32, has bool) {
	if epoch, has = mb.assigned[topic][partition]; has {
		return epoch, has
	}
	epoch, has = mb.revoking[topic][partition]
	return epoch, has
}

// stale is what a member is told whose epoch is not the group's idea of it.
func (mb *modernMember) stale() int16 {
	if mb.told.Classic != nil {
		return wire.IllegalGeneration
	}
	return wire.StaleMemberEpoch
}

// validateFetch lets a member read offsets at its epoch only, and others who say no member.
func (g *modernGroup) validateFetch(memberID *string, epoch int32) int16 {
	if memberID == nil && epoch < 0 {
		return wire.None
	}
	if memberID == nil || g.members[*memberID] == nil {
		return wire.UnknownMemberID
	}
	if mb := g.members[*memberID]; mb.epoch != epoch {
		return mb.stale()
	}
	return wire.None
}

// validateTxnOf lets members commit in a transaction as outside of one, and producers that do not say who they are always.
func (m *Machine) validateTxnOf(g *modernGroup, q CommitTxn) int16 {
	if q.Generation == -1 && q.MemberID == "" && q.InstanceID == nil {
		return wire.None
	}
	topics := make([]kmsg.OffsetCommitRequestTopic, 0, len(q.Topics))
	for _, t := range q.Topics {
		one := kmsg.OffsetCommitRequestTopic{Topic: t.Topic}
		if m.topics != nil {
			state, _ := m.topics.ByName(t.Topic)
			one.TopicID = state.ID
		}
		for i := range t.Partitions {
			one.Partitions = append(one.Partitions, kmsg.OffsetCommitRequestTopicPartition{Partition: t.Partitions[i].Partition})
		}
		topics = append(topics, one)
	}
	code := g.validateCommit(q.MemberID, q.Generation, topics)
	if code == wire.StaleMemberEpoch {
		return wire.IllegalGeneration
	}
	return code
}
