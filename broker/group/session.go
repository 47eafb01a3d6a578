package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// keepAlive begins the member's session time anew.
func (m *Machine) keepAlive(g *group, mb *member) {
	m.timers.set(timerKey{sessionTimer, g.id, mb.id}, m.now.Add(mb.sessionTimeout))
}

func (m *Machine) heartbeat(ticket uint64, q Heartbeat) {
	if g := m.modern[q.Group]; g != nil {
		m.heartbeatModern(ticket, g, q)
		return
	}
	g := m.groups[q.Group]
	if g == nil {
		m.refuse(ticket, wire.UnknownMemberID)
		return
	}
	if code := g.validate(q.MemberID, q.InstanceID); code != wire.None {
		m.refuse(ticket, code)
		return
	}
	if q.Generation != g.generation {
		m.refuse(ticket, wire.IllegalGeneration)
		return
	}
	m.keepAlive(g, g.members[q.MemberID])
	if g.state == PreparingRebalance {
		m.refuse(ticket, wire.RebalanceInProgress)
		return
	}
	m.answer(ticket, nil)
}

// sessionExpired removes a member that was not heard of in time, or gives up on a member id that nobody came back with.
func (m *Machine) sessionExpired(g *group, memberID string) {
	if m.forgetPending(g, memberID) {
		m.memberGone(g)
		m.dropIfUnused(g)
		return
	}
	mb := g.members[memberID]
	if mb == nil || mb.waits() {
		return
	}
	m.removeMember(g, mb)
	if g.state == Stable || g.state == CompletingRebalance {
		m.prepareRebalance(g)
		return
	}
	m.memberGone(g)
}

// memberGone ends a join phase that only waited for who is gone now; the first rebalance too.
func (m *Machine) memberGone(g *group) {
	if g.state == PreparingRebalance && g.allJoined() {
		m.completeJoin(g)
	}
}

func (m *Machine) leave(ticket uint64, q Leave) {
	if g := m.modern[q.Group]; g != nil {
		m.leaveModern(ticket, g, q)
		return
	}
	r := kmsg.NewPtrLeaveGroupResponse()
	g := m.groups[q.Group]
	left := false
	for _, who := range q.Members {
		one := kmsg.NewLeaveGroupResponseMember()
		one.MemberID, one.InstanceID = who.MemberID, cloneString(who.InstanceID)
		one.ErrorCode = wire.UnknownMemberID
		if g != nil {
			one.ErrorCode = m.leaveOne(g, who)
		}
		left = left || one.ErrorCode == wire.None
		r.Members = append(r.Members, one)
	}
	if left {
		switch g.state {
		case Stable, CompletingRebalance:
			m.prepareRebalance(g)
		case PreparingRebalance:
			m.completeJoinIfAll(g)
		}
		m.dropIfUnused(g)
	}
	m.answer(ticket, r)
}

// leaveOne removes a member by its id, or, as an administrator does, by its instance id alone.
func (m *Machine) leaveOne(g *group, who kmsg.LeaveGroupRequestMember) int16 {
	id := who.MemberID
	if id == "" {
		if who.InstanceID == nil {
			return wire.UnknownMemberID
		}
		id = g.static[*who.InstanceID]
	} else if m.forgetPending(g, id) {
		return wire.None
	}
	if code := g.validate(id, who.InstanceID); code != wire.None {
		return code
	}
	m.removeMember(g, g.members[id])
	return wire.None
}
