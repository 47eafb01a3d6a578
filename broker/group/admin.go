package group

import (
	"cmp"
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
	if isOneOf(classicType, q.Types) {
		for _, id := range sortedKeys(m.groups) {
			g := m.groups[id]
			if !isOneOf(g.state.String(), q.States) {
				continue
			}
			one := kmsg.NewListGroupsResponseGroup()
			one.Group, one.ProtocolType, one.GroupState, one.GroupType = id, g.protocolType, g.state.String(), classicType
			groups = append(groups, one)
		}
	}
	m.answer(ticket, groups)
}

func (m *Machine) delete(ticket uint64, q Delete) {
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
