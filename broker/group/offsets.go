package group

import (
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// groupIDNotFoundCommit is the first version of OffsetCommit that says GROUP_ID_NOT_FOUND for a group that is not there (KIP-848).
const groupIDNotFoundCommit = 9

func (m *Machine) commit(ticket uint64, q Commit) {
	if g := m.modern[q.Group]; g != nil {
		m.commitModern(ticket, g, q)
		return
	}
	g := m.groups[q.Group]
	if g == nil && q.Generation >= 0 {
		code := wire.IllegalGeneration
		if q.Version >= groupIDNotFoundCommit {
			code = wire.GroupIDNotFound
		}
		m.refuse(ticket, code)
		return
	}
	if g == nil {
		g = m.create(q.Group)
	}
	if code := g.validateCommit(q); code != wire.None {
		m.refuse(ticket, code)
	} else {
		if mb := g.members[q.MemberID]; mb != nil {
			m.keepAlive(g, mb)
		}
		m.storeOffsets(ticket, q)
	}
	m.dropIfUnused(g)
}

// validateCommit lets members commit in their generation, and anybody commit for a group without members.
func (g *group) validateCommit(q Commit) int16 {
	if q.Generation < 0 {
		if g.state == Empty {
			return wire.None
		}
		if q.MemberID == "" && q.InstanceID == nil {
			return wire.UnknownMemberID
		}
	}
	if code := g.validate(q.MemberID, q.InstanceID); code != wire.None {
		return code
	}
	if q.Generation != g.generation {
		return wire.IllegalGeneration
	}
	if g.state == CompletingRebalance {
		return wire.RebalanceInProgress
	}
	return wire.None
}

// storeOffsets carries out a commit that may be made.
func (m *Machine) storeOffsets(ticket uint64, q Commit) {
	r := kmsg.NewPtrOffsetCommitResponse()
	var records []Record
	size := 0
	for _, topic := range q.Topics {
		answer := kmsg.NewOffsetCommitResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for i := range topic.Partitions {
			p := &topic.Partitions[i]
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition = p.Partition
			if p.Metadata != nil && longerThan(*p.Metadata, m.cfg.MaxOffsetMetadata) {
				one.ErrorCode = wire.OffsetMetadataTooLarge
			} else {
				record := m.offsetOf(q, topic.TopicID, p).record(q.Group, topic.Topic, p.Partition)
				size += record.Size()
				records = append(records, record)
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		r.Topics = append(r.Topics, answer)
	}
	if size > m.cfg.MaxAppendBytes {
		m.refuse(ticket, wire.InvalidCommitOffsetSize)
		return
	}
	for ti, topic := range q.Topics {
		for i := range topic.Partitions {
			if r.Topics[ti].Partitions[i].ErrorCode == wire.None {
				m.offsets.set(q.Group, topic.Topic, topic.Partitions[i].Partition, m.offsetOf(q, topic.TopicID, &topic.Partitions[i]))
			}
		}
	}
	m.append(records...)
	m.answer(ticket, r)
}

func (m *Machine) offsetOf(q Commit, topicID [16]byte, p *kmsg.OffsetCommitRequestTopicPartition) offset {
	o := offset{offset: p.Offset, leaderEpoch: p.LeaderEpoch, committed: m.now, topicID: topicID}
	if p.Metadata != nil {
		o.metadata = *p.Metadata
	}
	if q.Version >= 2 && q.Version <= 4 && q.RetentionTimeMillis >= 0 {
		o.expires = m.now.Add(time.Duration(q.RetentionTimeMillis) * time.Millisecond)
	}
	return o
}

// longerThan counts as Java does: in UTF-16 units.
func longerThan(s string, limit int) bool {
	if len(s) <= limit {
		return false
	}
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xffff {
			n++
		}
	}
	return n > limit
}

func (m *Machine) fetch(ticket uint64, q Fetch) {
	if g := m.modern[q.Group]; g != nil {
		if code := g.validateFetch(q.MemberID, q.MemberEpoch); code != wire.None {
			m.refuse(ticket, code)
			return
		}
	}
	r := kmsg.OffsetFetchResponseGroup{Group: q.Group}
	if q.Topics == nil {
		r.Topics = m.allOffsets(q)
		m.answer(ticket, &r)
		return
	}
	for _, topic := range q.Topics {
		answer := kmsg.NewOffsetFetchResponseGroupTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			o, found := m.offsets.get(q.Group, topic.Topic, p)
			if !found || !o.isOf(topic.TopicID) {
				o = noOffset()
			}
			answer.Partitions = append(answer.Partitions, m.fetched(q, topic.Topic, p, o))
		}
		r.Topics = append(r.Topics, answer)
	}
	m.answer(ticket, &r)
}

// allOffsets are all that a group has committed; nil where there is none.
func (m *Machine) allOffsets(q Fetch) []kmsg.OffsetFetchResponseGroupTopic {
	var topics []kmsg.OffsetFetchResponseGroupTopic
	committed := m.offsets.of(q.Group)
	for _, name := range sortedKeys(committed) {
		answer := kmsg.NewOffsetFetchResponseGroupTopic()
		answer.Topic = name
		for _, p := range sortedKeys(committed[name]) {
			o := committed[name][p]
			answer.TopicID = o.topicID
			answer.Partitions = append(answer.Partitions, m.fetched(q, name, p, o))
		}
		topics = append(topics, answer)
	}
	return topics
}

// noOffset is what there is of a partition for which nothing was committed.
func noOffset() offset { return offset{offset: -1, leaderEpoch: -1} }

// fetched answers for one partition of which o is committed.
func (m *Machine) fetched(q Fetch, topic string, partition int32, o offset) kmsg.OffsetFetchResponseGroupTopicPartition {
	one := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	if q.RequireStable && m.offsets.unstable(q.Group, topic, partition) {
		o, one.ErrorCode = noOffset(), wire.UnstableOffsetCommit
	}
	one.Partition, one.Offset, one.LeaderEpoch, one.Metadata = partition, o.offset, o.leaderEpoch, &o.metadata
	return one
}

func (m *Machine) deleteOffsets(ticket uint64, q DeleteOffsets) {
	subscribes, code := m.readers(q.Group)
	if code != wire.None {
		m.refuse(ticket, code)
		return
	}
	r := kmsg.NewPtrOffsetDeleteResponse()
	var records []Record
	for _, topic := range q.Topics {
		answer := kmsg.NewOffsetDeleteResponseTopic()
		answer.Topic = topic.Topic
		for _, p := range topic.Partitions {
			one := kmsg.NewOffsetDeleteResponseTopicPartition()
			one.Partition = p.Partition
			if subscribes(topic.Topic) {
				one.ErrorCode = wire.GroupSubscribedToTopic
			} else if _, found := m.offsets.get(q.Group, topic.Topic, p.Partition); found || m.offsets.unstable(q.Group, topic.Topic, p.Partition) {
				records = append(records, m.offsets.tombstone(q.Group, topic.Topic, p.Partition))
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		r.Topics = append(r.Topics, answer)
	}
	m.append(records...)
	m.answer(ticket, r)
}

// readers tells which topics the members of a group may be reading, whose offsets stay.
func (m *Machine) readers(groupID string) (subscribes func(topic string) bool, code int16) {
	if g := m.modern[groupID]; g != nil {
		return g.subscribes, wire.None
	}
	g := m.groups[groupID]
	switch {
	case g == nil:
		return nil, wire.GroupIDNotFound
	case g.state != Empty && g.protocolType != consumerProtocol:
		return nil, wire.NonEmptyGroup
	default:
		return g.subscribes, wire.None
	}
}
