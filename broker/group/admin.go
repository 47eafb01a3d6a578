package group

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// classicType is the name of the classic protocol's group type (KIP-848).
const classicType = "classic"

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func (m *Machine) describe(ticket uint64, q Describe) {
	r := kmsg.NewDescribeGroupsResponseGroup()
	r.Group, r.State = q.Group, Dead.String()
	g := m.groups[q.Group]
	if m.modern[q.Group] != nil {
		r.ErrorMessage = kmsg.StringPtr(fmt.Sprintf("Group %s is not a classic group.", q.Group))
	}
	if g == nil {
		m.answer(ticket, &r)
		return
	}
	r.State, r.ProtocolType = g.state.String(), g.protocolType
	if g.state == Stable {
		r.Protocol = g.protocolName()
	}
	for _, mb := range g.order {
		one := kmsg.NewDescribeGroupsResponseGroupMember()
		one.MemberID, one.InstanceID, one.ClientID, one.ClientHost = mb.id, cloneString(mb.instance), mb.clientID, mb.clientHost
		one.MemberAssignment = mb.assignment
		if g.state == Stable {
			one.ProtocolMetadata = mb.metadata(g.protocolName())
		}
		r.Members = append(r.Members, one)
	}
	m.answer(ticket, &r)
}

func (m *Machine) list(ticket uint64, q List) {
	var groups []kmsg.ListGroupsResponseGroup
	add := func(id, protocolType, groupType string, state State) {
		if !isOneOf(groupType, q.Types) || !isOneOf(state.String(), q.States) {
			return
		}
		one := kmsg.NewListGroupsResponseGroup()
		one.Group, one.ProtocolType, one.GroupState, one.GroupType = id, protocolType, state.String(), groupType
		groups = append(groups, one)
	}
	for id, g := range m.groups {
		add(id, g.protocolType, classicType, g.state)
	}
	for id, g := range m.modern {
		add(id, consumerProtocol, consumerType, g.state())
	}
	slices.SortFunc(groups, func(a, b kmsg.ListGroupsResponseGroup) int { return cmp.Compare(a.Group, b.Group) })
	m.answer(ticket, groups)
}

func (m *Machine) delete(ticket uint64, q Delete) {
	if g := m.modern[q.Group]; g != nil {
		m.deleteModern(ticket, g)
		return
	}
	g := m.groups[q.Group]
	switch {
	case g == nil:
		m.refuse(ticket, wire.GroupIDNotFound)
	case g.state != Empty:
		m.refuse(ticket, wire.NonEmptyGroup)
	default:
		m.erase(g)
		m.answer(ticket, nil)
	}
}

// erase removes a group and all that is known of it.
func (m *Machine) erase(g *group) {
	records := m.offsets.tombstones(g.id, func(partitionKey, offset) bool { return true })
	if g.stored {
		records = append(records, Record{Key: groupRecordKey(g.id)})
	}
	for id := range g.pending {
		m.timers.cancel(timerKey{sessionTimer, g.id, id})
	}
	delete(m.groups, g.id)
	m.append(records...)
}

func (m *Machine) topicsDeleted(ticket uint64, q TopicsDeleted) {
	gone := make(map[string][][16]byte, len(q.Topics))
	for _, topic := range q.Topics {
		gone[topic.Name] = append(gone[topic.Name], topic.ID)
	}
	var records []Record
	for _, id := range m.offsets.groups() {
		records = append(records, m.offsets.tombstones(id, func(k partitionKey, o offset) bool {
			return slices.ContainsFunc(gone[k.topic], o.isOf)
		})...)
		if g := m.groups[id]; g != nil {
			m.dropIfUnused(g)
		}
	}
	// Topics that are gone are not to be kept in memory; the next request brings those that there are.
	m.topics = nil
	m.append(records...)
	m.answer(ticket, nil)
}

func (m *Machine) listTopics(ticket uint64) {
	refs := map[TopicRef]struct{}{}
	for _, id := range m.offsets.groups() {
		m.offsets.each(id, func(k partitionKey, o offset) { refs[TopicRef{Name: k.topic, ID: o.topicID}] = struct{}{} })
	}
	m.answer(ticket, slices.Collect(maps.Keys(refs)))
}
