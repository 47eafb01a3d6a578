package group

import (
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// offset is what a group has committed for one partition.
type offset struct {
	offset      int64
	leaderEpoch int32
	metadata    string
	committed   time.Time
	// expires is set by clients of old that choose their own retention; else zero.
	expires time.Time
	// topicID tells a topic from an earlier one of the same name; zero where it is not known.
	topicID [16]byte
}

// isOf reports whether the offset was committed for the topic with this id; an id that is not known matches any.
func (o offset) isOf(id [16]byte) bool {
	var unknown [16]byte
	return o.topicID == id || o.topicID == unknown || id == unknown
}

func (g *group) setOffset(topic string, partition int32, o offset) {
	of := g.offsets[topic]
	if of == nil {
		of = map[int32]offset{}
		g.offsets[topic] = of
	}
	of[partition] = o
}

func (g *group) forgetOffset(topic string, partition int32) {
	delete(g.offsets[topic], partition)
	if len(g.offsets[topic]) == 0 {
		delete(g.offsets, topic)
	}
}

// tombstone removes one offset and returns the record that removes it from the log.
func (g *group) tombstone(topic string, partition int32) Record {
	g.forgetOffset(topic, partition)
	return Record{Key: offsetRecordKey(g.id, topic, partition)}
}

// groupIDNotFoundCommit is the first version of OffsetCommit that says GROUP_ID_NOT_FOUND for a group that is not there (KIP-848).
const groupIDNotFoundCommit = 9

func (m *Machine) commit(ticket uint64, q Commit) {
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
	code := g.validateCommit(q)
	if code == wire.None {
		code = m.store(ticket, g, q)
	}
	if code != wire.None {
		m.refuse(ticket, code)
		m.dropIfUnused(g)
	}
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

func (m *Machine) store(ticket uint64, g *group, q Commit) int16 {
	if mb := g.members[q.MemberID]; mb != nil {
		m.keepAlive(g, mb)
	}
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
				record := m.offsetOf(q, topic.TopicID, p).record(g.id, topic.Topic, p.Partition)
				size += record.Size()
				records = append(records, record)
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		r.Topics = append(r.Topics, answer)
	}
	if size > m.cfg.MaxAppendBytes {
		return wire.InvalidCommitOffsetSize
	}
	for ti, topic := range q.Topics {
		for i := range topic.Partitions {
			if r.Topics[ti].Partitions[i].ErrorCode == wire.None {
				g.setOffset(topic.Topic, topic.Partitions[i].Partition, m.offsetOf(q, topic.TopicID, &topic.Partitions[i]))
			}
		}
	}
	m.append(records...)
	m.answer(ticket, r)
	m.dropIfUnused(g)
	return wire.None
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
	r := kmsg.OffsetFetchResponseGroup{Group: q.Group}
	g := m.groups[q.Group]
	if q.Topics == nil {
		if g != nil {
			r.Topics = g.allOffsets()
		}
		m.answer(ticket, &r)
		return
	}
	for _, topic := range q.Topics {
		answer := kmsg.NewOffsetFetchResponseGroupTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			one := noOffset(p)
			if g != nil {
				if o, found := g.offsets[topic.Topic][p]; found && o.isOf(topic.TopicID) {
					one = o.fetched(p)
				}
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		r.Topics = append(r.Topics, answer)
	}
	m.answer(ticket, &r)
}

func (g *group) allOffsets() []kmsg.OffsetFetchResponseGroupTopic {
	topics := make([]kmsg.OffsetFetchResponseGroupTopic, 0, len(g.offsets))
	for _, name := range sortedKeys(g.offsets) {
		answer := kmsg.NewOffsetFetchResponseGroupTopic()
		answer.Topic = name
		for _, p := range sortedKeys(g.offsets[name]) {
			o := g.offsets[name][p]
			answer.TopicID = o.topicID
			answer.Partitions = append(answer.Partitions, o.fetched(p))
		}
		topics = append(topics, answer)
	}
	return topics
}

func noOffset(partition int32) kmsg.OffsetFetchResponseGroupTopicPartition {
	return offset{offset: -1, leaderEpoch: -1}.fetched(partition)
}

func (o offset) fetched(partition int32) kmsg.OffsetFetchResponseGroupTopicPartition {
	one := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	metadata := o.metadata
	one.Partition, one.Offset, one.LeaderEpoch, one.Metadata = partition, o.offset, o.leaderEpoch, &metadata
	return one
}

func (m *Machine) deleteOffsets(ticket uint64, q DeleteOffsets) {
	g := m.groups[q.Group]
	if g == nil {
		m.refuse(ticket, wire.GroupIDNotFound)
		return
	}
	if g.state != Empty && g.protocolType != consumerProtocol {
		m.refuse(ticket, wire.NonEmptyGroup)
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
			if g.subscribes(topic.Topic) {
				one.ErrorCode = wire.GroupSubscribedToTopic
			} else if _, found := g.offsets[topic.Topic][p.Partition]; found {
				records = append(records, g.tombstone(topic.Topic, p.Partition))
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		r.Topics = append(r.Topics, answer)
	}
	m.append(records...)
	m.answer(ticket, r)
}
