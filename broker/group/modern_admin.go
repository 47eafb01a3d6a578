package group

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/assign"
	"github.com/chronik-stream/chronik/broker/wire"
)

// consumerType is the name of the consumer protocol's group type (KIP-848).
const consumerType = "consumer"

// Member types of ConsumerGroupDescribe.
const (
	classicMember  = 0
	consumerMember = 1
)

func (m *Machine) describeModern(ticket uint64, q DescribeModern) {
	g := m.modern[q.Group]
	if g == nil {
		m.answer(ticket, m.notOfConsumers(q.Group))
		return
	}
	r := kmsg.NewConsumerGroupDescribeResponseGroup()
	r.Group, r.State, r.Epoch, r.AssignmentEpoch = g.id, g.state().String(), g.epoch, g.assignmentEpoch
	r.AssignorName = g.assignor(m.cfg.Consumer.Assignors[0])
	for _, id := range sortedKeys(g.members) {
		r.Members = append(r.Members, g.described(g.members[id], q.Topics))
	}
	m.answer(ticket, &r)
}

// notOfConsumers says, in Apache Kafka's words, why a group is not described.
func (m *Machine) notOfConsumers(id string) *kmsg.ConsumerGroupDescribeResponseGroup {
	message := fmt.Sprintf("Group %s not found.", id)
	if m.groups[id] != nil {
		message = fmt.Sprintf("Group %s is not a consumer group.", id)
	}
	r := kmsg.NewConsumerGroupDescribeResponseGroup()
	r.Group, r.ErrorCode, r.ErrorMessage = id, wire.GroupIDNotFound, &message
	return &r
}

func (g *modernGroup) described(mb *modernMember, topics Topics) kmsg.ConsumerGroupDescribeResponseGroupMember {
	one := kmsg.NewConsumerGroupDescribeResponseGroupMember()
	one.MemberID, one.InstanceID, one.RackID, one.MemberEpoch = mb.id, cloneString(mb.told.Instance), cloneString(mb.told.Rack), mb.epoch
	one.ClientID, one.ClientHost = mb.told.ClientID, mb.told.ClientHost
	one.SubscribedTopics, one.SubscribedTopicRegex = slices.Clone(mb.told.Topics), cloneString(mb.told.Regex)
	one.MemberType = consumerMember
	if mb.told.Classic != nil {
		one.MemberType = classicMember
	}
	one.Assignment = describedAssignment(mb.has(), topics)
	one.TargetAssignment = describedAssignment(g.target[mb.id], topics)
	return one
}

// has is what the member may be using.
func (mb *modernMember) has() assign.Assignment {
	all := epochs{}
	for _, e := range []epochs{mb.assigned, mb.revoking} {
		for topic, partitions := range e {
			all = all.with(topic, partitions)
		}
	}
	return all.partitions()
}

// describedAssignment leaves out topics that are gone.
func describedAssignment(a assign.Assignment, topics Topics) kmsg.Assignment {
	described := kmsg.NewAssignment()
	for _, id := range sortedTopics(a) {
		t, exists := topics.ByID(id)
		if !exists {
			continue
		}
		one := kmsg.NewAssignmentTopicPartition()
		one.TopicID, one.Topic, one.Partitions = id, t.Name, slices.Clone(a[id])
		described.TopicPartitions = append(described.TopicPartitions, one)
	}
	return described
}

func (m *Machine) deleteModern(ticket uint64, g *modernGroup) {
	if len(g.members) > 0 {
		m.refuse(ticket, wire.NonEmptyGroup)
		return
	}
	records := m.offsets.tombstones(g.id, func(partitionKey, offset) bool { return true })
	m.append(append(records, m.forgetModern(g)...)...)
	m.answer(ticket, nil)
}

// forgetModern forgets a group and returns the records that delete it. Its offsets stay.
func (m *Machine) forgetModern(g *modernGroup) []Record {
	for _, mb := range g.members {
		m.forgetModernTimers(g, mb)
	}
	delete(m.modern, g.id)
	return g.tombstones()
}
