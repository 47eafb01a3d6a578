package group

import (
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

// rebalancePause is the shortest wait before a rebalance to which nobody has come is tried again. Members may ask for no time at all.
const rebalancePause = time.Second

// rebalanceOrCompleteJoin follows a change of the members: it starts a rebalance, or ends the join phase of the one under way when
// all are there.
func (m *Machine) rebalanceOrCompleteJoin(g *group) {
	if g.state == PreparingRebalance {
		m.completeJoinIfAll(g)
		return
	}
	m.prepareRebalance(g)
}

// prepareRebalance begins to wait for the members to join again. The first rebalance of an empty group waits a while for more members.
func (m *Machine) prepareRebalance(g *group) {
	if g.state == CompletingRebalance {
		m.dropAssignments(g, wire.RebalanceInProgress)
	}
	m.endSync(g)
	first := g.state == Empty
	g.enter(PreparingRebalance, m.now)
	key := timerKey{kind: joinTimer, group: g.id}
	if first {
		g.grew = false
		g.delay = m.cfg.InitialRebalanceDelay
		g.remaining = max(g.rebalanceTimeout()-g.delay, 0)
		m.timers.set(key, m.now.Add(g.delay))
		return
	}
	if g.allJoined() {
		m.completeJoin(g)
		return
	}
	m.timers.set(key, m.now.Add(g.rebalanceTimeout()))
}

// dropAssignments takes back what members were assigned and answers those who wait for it.
func (m *Machine) dropAssignments(g *group, code int16) {
	for _, mb := range g.order {
		mb.assignment = nil
		if mb.syncing != 0 {
			m.refuse(mb.syncing, code)
			mb.syncing = 0
			m.keepAlive(g, mb)
		}
	}
}

func (m *Machine) endSync(g *group) {
	clear(g.unsynced)
	m.timers.cancel(timerKey{kind: syncTimer, group: g.id})
}

// completeJoinIfAll ends the join phase when nobody is missing. The first rebalance ends by its timer alone.
func (m *Machine) completeJoinIfAll(g *group) {
	if g.state == PreparingRebalance && g.previous != Empty && g.allJoined() {
		m.completeJoin(g)
	}
}

// joinTimeUp is the end of the initial delay, or of the time for members to join again.
func (m *Machine) joinTimeUp(g *group) {
	if g.state != PreparingRebalance {
		return
	}
	if g.previous != Empty || !g.grew || g.remaining == 0 {
		m.completeJoin(g)
		return
	}
	g.grew = false
	elapsed := g.delay
	g.delay = min(m.cfg.InitialRebalanceDelay, g.remaining)
	g.remaining = max(g.remaining-elapsed, 0)
	m.timers.set(timerKey{kind: joinTimer, group: g.id}, m.now.Add(g.delay))
}

// completeJoin begins the next generation with the members that are there. Static members may be missing: only their session's end
// removes them.
func (m *Machine) completeJoin(g *group) {
	key := timerKey{kind: joinTimer, group: g.id}
	m.timers.cancel(key)
	for _, mb := range slices.Clone(g.order) {
		if mb.joining == 0 && mb.instance == nil {
			m.removeMember(g, mb)
		}
	}
	if len(g.order) == 0 {
		m.becomeEmpty(g)
		return
	}
	if !g.electJoined() {
		m.timers.set(key, m.now.Add(max(g.rebalanceTimeout(), rebalancePause)))
		return
	}
	g.generation++
	name := g.vote()
	g.protocol = &name
	g.topics = g.subscribedTopics()
	g.enter(CompletingRebalance, m.now)
	clear(g.unsynced)
	for _, mb := range g.order {
		g.unsynced[mb.id] = struct{}{}
		m.keepAlive(g, mb)
		mb.isNew = false
		if mb.joining != 0 {
			m.answer(mb.joining, g.joined(mb))
			mb.joining = 0
		}
	}
	m.timers.set(timerKey{kind: syncTimer, group: g.id}, m.now.Add(g.rebalanceTimeout()))
}

func (m *Machine) becomeEmpty(g *group) {
	g.generation++
	g.protocol = nil
	g.topics = g.subscribedTopics()
	g.enter(Empty, m.now)
	clear(g.unsynced)
	g.stored = true
	m.append(g.record())
}

// electJoined makes sure that the leader is a member that has joined; there may be none.
func (g *group) electJoined() bool {
	if leader := g.members[g.leader]; leader != nil && leader.joining != 0 {
		return true
	}
	for _, mb := range g.order {
		if mb.joining != 0 {
			g.leader = mb.id
			return true
		}
	}
	return false
}

// removeMember forgets a member; what it waits for is answered so that it joins anew if it is still there.
func (m *Machine) removeMember(g *group, mb *member) {
	m.timers.cancel(timerKey{sessionTimer, g.id, mb.id})
	m.dismiss(mb, "", wire.UnknownMemberID)
	g.remove(mb)
}

// dismiss refuses what the member waits for. A join is told a member id, too.
func (m *Machine) dismiss(mb *member, id string, code int16) {
	if mb.joining != 0 {
		m.refuseJoin(mb.joining, id, code)
		mb.joining = 0
	}
	if mb.syncing != 0 {
		m.refuse(mb.syncing, code)
		mb.syncing = 0
	}
}

func (m *Machine) forgetPending(g *group, memberID string) bool {
	if _, pending := g.pending[memberID]; !pending {
		return false
	}
	delete(g.pending, memberID)
	m.timers.cancel(timerKey{sessionTimer, g.id, memberID})
	return true
}
