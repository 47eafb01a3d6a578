package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// memberIDRequired is the first version of JoinGroup whose new members are given an id to come back with (KIP-394).
const memberIDRequired = 4

// skipAssignment is the first version of JoinGroup in which a leader can be told to leave the assignment as it is (KIP-814).
const skipAssignment = 9

// maxPending bounds the member ids that a group has given out and nobody has come back with. They cost memory for as long as the
// client's session time, and clients need them one at a time.
const maxPending = 10_000

func (m *Machine) join(ticket uint64, q Join) {
	timeout := time.Duration(q.SessionTimeoutMillis) * time.Millisecond
	if timeout < m.cfg.MinSessionTimeout || timeout > m.cfg.MaxSessionTimeout {
		m.refuseJoin(ticket, q.MemberID, wire.InvalidSessionTimeout)
		return
	}
	if g := m.modern[q.Group]; g != nil {
		if len(g.members) > 0 {
			m.learn(q.Topics)
			m.joinModern(ticket, g, q)
			return
		}
		if q.MemberID == "" {
			m.append(m.forgetModern(g)...)
		}
	}
	g := m.groups[q.Group]
	if g == nil {
		if q.MemberID != "" {
			m.refuseJoin(ticket, q.MemberID, wire.UnknownMemberID)
			return
		}
		g = m.create(q.Group)
	}
	switch {
	case !m.hasRoom(g, q.MemberID):
		m.turnAway(ticket, g, q.MemberID)
	case !g.accepts(q.ProtocolType, q.Protocols):
		m.refuseJoin(ticket, q.MemberID, wire.InconsistentGroupProtocol)
	case q.MemberID == "":
		m.joinNew(ticket, g, q)
	default:
		m.joinKnown(ticket, g, q)
	}
	m.dropIfUnused(g)
}

func (m *Machine) refuseJoin(ticket uint64, memberID string, code int16) {
	r := kmsg.NewPtrJoinGroupResponse()
	r.ErrorCode, r.MemberID = code, memberID
	m.answer(ticket, r)
}

// hasRoom applies group.max.size. While members join again it counts those who are back, so that the last ones stay out
// when the limit was lowered.
func (m *Machine) hasRoom(g *group, memberID string) bool {
	mb := g.members[memberID]
	switch g.state {
	case PreparingRebalance:
		return mb != nil && mb.joining != 0 || g.awaiting() < m.cfg.MaxSize
	case CompletingRebalance, Stable:
		return mb != nil || len(g.members) < m.cfg.MaxSize
	default:
		return true
	}
}

// turnAway refuses a member that there is no room for, and forgets it.
func (m *Machine) turnAway(ticket uint64, g *group, memberID string) {
	m.refuseJoin(ticket, "", wire.GroupMaxSizeReached)
	m.forgetPending(g, memberID)
	if mb := g.members[memberID]; mb != nil {
		m.removeMember(g, mb)
	}
	m.completeJoinIfAll(g)
}

func (m *Machine) joinNew(ticket uint64, g *group, q Join) {
	if q.InstanceID != nil {
		id := q.newID()
		if holder := g.members[g.static[*q.InstanceID]]; holder != nil {
			m.replaceStatic(ticket, g, holder, id, q)
			return
		}
		m.addMember(ticket, g, id, q)
		return
	}
	if len(g.pending) >= maxPending {
		m.refuseJoin(ticket, "", wire.GroupMaxSizeReached)
		return
	}
	id := q.newID()
	if q.Version < memberIDRequired {
		m.addMember(ticket, g, id, q)
		return
	}
	g.pending[id] = struct{}{}
	m.timers.set(timerKey{sessionTimer, g.id, id}, m.now.Add(time.Duration(q.SessionTimeoutMillis)*time.Millisecond))
	m.refuseJoin(ticket, id, wire.MemberIDRequired)
}

func (m *Machine) joinKnown(ticket uint64, g *group, q Join) {
	if _, pending := g.pending[q.MemberID]; pending {
		if q.InstanceID != nil {
			m.refuseJoin(ticket, q.MemberID, wire.UnknownServerError)
			return
		}
		m.addMember(ticket, g, q.MemberID, q)
		return
	}
	if code := g.validate(q.MemberID, q.InstanceID); code != wire.None {
		m.refuseJoin(ticket, q.MemberID, code)
		return
	}
	mb := g.members[q.MemberID]
	// A member that says what it said before has missed the answer. From the leader of a stable group it means more: it wants the
	// group to rebalance, because something changed that the coordinator does not see.
	again := g.state == CompletingRebalance || g.state == Stable && g.leader != mb.id
	if again && mb.matches(q) {
		m.answer(ticket, g.joined(mb))
		return
	}
	m.updateMember(g, mb, q)
	m.park(&mb.joining, ticket)
	m.rebalanceOrCompleteJoin(g)
}

// addMember takes a new member in; its join waits for the rebalance.
func (m *Machine) addMember(ticket uint64, g *group, id string, q Join) {
	if len(g.members) == 0 {
		g.protocolType = q.ProtocolType
	}
	mb := newMember(id, q)
	mb.isNew = true
	mb.joining = ticket
	if g.state == PreparingRebalance && g.previous == Empty {
		g.grew = true
	}
	g.add(mb)
	m.timers.set(timerKey{sessionTimer, g.id, mb.id}, m.now.Add(newMemberTimeout))
	m.rebalanceOrCompleteJoin(g)
}

func (m *Machine) updateMember(g *group, mb *member, q Join) {
	g.count(mb, -1)
	mb.update(q)
	g.count(mb, 1)
}

// park makes a request wait. A member that asks again does so over a new connection: the answer to the old one is of no use.
func (m *Machine) park(slot *uint64, ticket uint64) {
	if *slot != 0 {
		m.refuse(*slot, wire.RebalanceInProgress)
	}
	*slot = ticket
}

// joined is the answer to a member whose group has a protocol; the leader's holds all members.
func (g *group) joined(mb *member) *kmsg.JoinGroupResponse {
	r := kmsg.NewPtrJoinGroupResponse()
	protocolType := g.protocolType
	r.Generation, r.ProtocolType, r.Protocol = g.generation, &protocolType, cloneString(g.protocol)
	r.LeaderID, r.MemberID = g.leader, mb.id
	if g.leader == mb.id {
		r.Members = g.joinedMembers()
	}
	return r
}

func (g *group) joinedMembers() []kmsg.JoinGroupResponseMember {
	list := make([]kmsg.JoinGroupResponseMember, 0, len(g.order))
	for _, mb := range g.order {
		one := kmsg.NewJoinGroupResponseMember()
		one.MemberID, one.InstanceID, one.ProtocolMetadata = mb.id, cloneString(mb.instance), mb.metadata(g.protocolName())
		list = append(list, one)
	}
	return list
}
