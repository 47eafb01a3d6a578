package group

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

func (m *Machine) sync(ticket uint64, q Sync) {
	if g := m.modern[q.Group]; g != nil {
		m.syncModern(ticket, g, q)
		return
	}
	g := m.groups[q.Group]
	if g == nil || g.state == Empty {
		m.refuse(ticket, wire.UnknownMemberID)
		return
	}
	if code := g.validateSync(q); code != wire.None {
		m.refuse(ticket, code)
		return
	}
	mb := g.members[q.MemberID]
	switch g.state {
	case PreparingRebalance:
		m.refuse(ticket, wire.RebalanceInProgress)
	case CompletingRebalance:
		m.synced(g, mb)
		m.park(&mb.syncing, ticket)
		if g.leader == mb.id {
			m.assign(g, q)
		}
	default:
		m.synced(g, mb)
		m.answer(ticket, g.assigned(mb))
	}
}

func (g *group) validateSync(q Sync) int16 {
	if code := g.validate(q.MemberID, q.InstanceID); code != wire.None {
		return code
	}
	if q.Generation != g.generation {
		return wire.IllegalGeneration
	}
	if q.ProtocolType != nil && *q.ProtocolType != g.protocolType ||
		q.Protocol != nil && g.protocol != nil && *q.Protocol != *g.protocol {
		return wire.InconsistentGroupProtocol
	}
	return wire.None
}

// synced notes that a member has asked for its assignment.
func (m *Machine) synced(g *group, mb *member) {
	delete(g.unsynced, mb.id)
	if len(g.unsynced) == 0 {
		m.timers.cancel(timerKey{kind: syncTimer, group: g.id})
	}
}

// assign takes the leader's assignment; members that it leaves out get an empty one. All answers wait until it is in the log.
func (m *Machine) assign(g *group, q Sync) {
	byMember := make(map[string][]byte, len(q.GroupAssignment))
	for _, a := range q.GroupAssignment {
		byMember[a.MemberID] = a.MemberAssignment
	}
	for _, mb := range g.order {
		mb.assignment = bytes.Clone(byMember[mb.id])
	}
	since, previous := g.since, g.previous
	g.enter(Stable, m.now)
	record := g.record()
	if size := record.Size(); size > m.cfg.MaxAppendBytes {
		m.outbox.Trouble(g.id, fmt.Errorf("store %d members: %w", len(g.members), coordinator.TooLarge(Topic, size, m.cfg.MaxAppendBytes)))
		g.state, g.previous, g.since = CompletingRebalance, previous, since
		m.dropAssignments(g, wire.UnknownServerError)
		m.prepareRebalance(g)
		return
	}
	g.stored = true
	m.append(record)
	for _, mb := range g.order {
		if mb.syncing == 0 {
			continue
		}
		m.answer(mb.syncing, g.assigned(mb))
		mb.syncing = 0
		// The session may have run out while the member waited, which was not counted against it.
		m.keepAlive(g, mb)
	}
}

func (g *group) assigned(mb *member) *kmsg.SyncGroupResponse {
	r := kmsg.NewPtrSyncGroupResponse()
	protocolType := g.protocolType
	r.ProtocolType, r.Protocol, r.MemberAssignment = &protocolType, cloneString(g.protocol), mb.assignment
	return r
}

// syncTimeUp removes the members that joined and then did not ask for their assignment.
func (m *Machine) syncTimeUp(g *group) {
	if g.state != CompletingRebalance && g.state != Stable || len(g.unsynced) == 0 {
		return
	}
	for _, mb := range slices.Clone(g.order) {
		if _, missing := g.unsynced[mb.id]; missing {
			m.removeMember(g, mb)
		}
	}
	m.prepareRebalance(g)
}
