package group

import "github.com/chronik-stream/chronik/broker/wire"

// replaceStatic lets a static member that has lost its member id come back under a new one (KIP-345). A stable group whose
// protocol stays the same is not rebalanced for it.
func (m *Machine) replaceStatic(ticket uint64, g *group, mb *member, id string, q Join) {
	oldID, oldLeader := mb.id, g.leader
	// Whoever still uses the old id is fenced.
	m.dismiss(mb, mb.id, wire.FencedInstanceID)
	g.rename(mb, id)
	m.updateMember(g, mb, q)
	mb.isNew = false
	m.timers.cancel(timerKey{sessionTimer, g.id, oldID})
	m.keepAlive(g, mb)
	if g.state != Stable {
		m.park(&mb.joining, ticket)
		if g.state == CompletingRebalance {
			// The leader may already assign to the old id, so the assignment that is on its way would miss the new one.
			m.prepareRebalance(g)
			return
		}
		m.completeJoinIfAll(g)
		return
	}
	record := g.record()
	if g.vote() != g.protocolName() || record.Size() > m.cfg.MaxAppendBytes {
		m.park(&mb.joining, ticket)
		m.rebalanceOrCompleteJoin(g)
		return
	}
	g.stored = true
	m.append(record)
	answer := g.joined(mb)
	if q.Version >= skipAssignment {
		answer.SkipAssignment = g.leader == mb.id
	} else {
		// An older leader has to believe that it follows, or it would assign again and nobody would ask for it.
		answer.LeaderID, answer.Members = oldLeader, nil
	}
	m.answer(ticket, answer)
}
