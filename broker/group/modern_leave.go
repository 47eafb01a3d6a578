package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// beatLeave takes the last heartbeat of a member: it leaves, or, where it is static, only for now.
func (m *Machine) beatLeave(ticket uint64, q Beat) {
	g := m.modern[q.Group]
	if g == nil {
		m.refuse(ticket, wire.GroupIDNotFound)
		return
	}
	mb, code := g.find(q.MemberID, q.InstanceID)
	if code != wire.None {
		m.refuse(ticket, code)
		return
	}
	if q.MemberEpoch == leftForNow && q.InstanceID != nil {
		m.leaveForNow(g, mb)
	} else {
		m.fenceModern(g, mb)
	}
	r := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	r.MemberID, r.MemberEpoch = kmsg.StringPtr(q.MemberID), q.MemberEpoch
	m.answer(ticket, &BeatAnswer{Response: r})
}

// find is the member that a request speaks for.
func (g *modernGroup) find(memberID string, instance *string) (*modernMember, int16) {
	if instance != nil {
		holder, known := g.static[*instance]
		if known && holder != memberID {
			return nil, wire.FencedInstanceID
		}
		if !known {
			return nil, wire.UnknownMemberID
		}
	}
	mb := g.members[memberID]
	if mb == nil {
		return nil, wire.UnknownMemberID
	}
	return mb, wire.None
}

// leaveForNow keeps what a static member has until its session ends, or it is back under another member id.
func (m *Machine) leaveForNow(g *modernGroup, mb *modernMember) {
	next := mb.place
	next.epoch, next.assigned, next.revoking = leftForNow, epochs{}, nil
	for topic, partitions := range mb.assigned {
		for p := range partitions {
			next.assigned.set(topic, p, 0)
		}
	}
	g.settle(mb, next)
	m.timers.cancel(timerKey{revocationTimer, g.id, mb.id})
	m.append(g.placeRecord(mb))
}

// fenceModern removes members. The others get what they had at the next assignment, or by a rebalance of their own when all of them use
// the classic protocol.
func (m *Machine) fenceModern(g *modernGroup, members ...*modernMember) {
	var records []Record
	next := m.downgraded(g, members...)
	for _, mb := range members {
		records = append(records, g.memberTombstones(mb.id)...)
		m.forgetModernTimers(g, mb)
		g.drop(mb)
	}
	for _, mb := range members {
		records = append(records, g.forgetPattern(mb.pattern())...)
	}
	if next != nil {
		m.append(records...)
		m.downgrade(g, next)
		m.prepareRebalance(next)
		return
	}
	g.epoch++
	if m.topics != nil {
		g.rehash(g.subscribedTopics(m.topics), m.topics)
	}
	m.append(append(records, g.groupRecord())...)
}

// modernExpired ends a member of a consumer group that was not heard of, or has not given back what it had to.
func (m *Machine) modernExpired(g *modernGroup, k timerKey) {
	if mb := g.members[k.member]; mb != nil {
		m.fenceModern(g, mb)
	}
}

// giveWay removes a classic group without members, for a group of the same name that takes over its offsets.
func (m *Machine) giveWay(g *group) []Record {
	for id := range g.pending {
		m.timers.cancel(timerKey{sessionTimer, g.id, id})
	}
	delete(m.groups, g.id)
	if !g.stored {
		return nil
	}
	return []Record{{Key: groupRecordKey(g.id)}}
}
