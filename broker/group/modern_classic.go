package group

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/assign"
	"github.com/chronik-stream/chronik/broker/group/consumerlog"
	"github.com/chronik-stream/chronik/broker/group/embedded"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Members of the classic protocol in a group of the consumer protocol are told by their heartbeats when they have to join again. Their
// join is then answered at once, and their sync with what the coordinator has for them: nobody of them leads.

// joinModern takes a join of the classic protocol to a group that has members of the consumer protocol.
func (m *Machine) joinModern(ticket uint64, g *modernGroup, q Join) {
	b, code := m.lookAtJoin(g, q)
	if code != wire.None {
		id := q.MemberID
		if code == wire.MemberIDRequired {
			id = q.newID()
		}
		m.refuseJoin(ticket, id, code)
		return
	}
	if code := b.joinClassic(); code != wire.None {
		m.refuseJoin(ticket, b.mb.id, code)
		return
	}
	r := kmsg.NewPtrJoinGroupResponse()
	r.MemberID, r.Generation, r.ProtocolType = b.mb.id, b.mb.epoch, kmsg.StringPtr(consumerProtocol)
	r.Protocol = kmsg.StringPtr(b.mb.told.Classic.Protocols[0].Name)
	m.answer(ticket, r)
}

// joinClassic carries out a join. If it is of the last member of the consumer protocol, or of a static member in the place of that one, the
// group becomes a classic one. Apache Kafka does so for static members only, and lets the others wait until somebody leaves.
func (b *beating) joinClassic() int16 {
	m, g := b.m, b.g
	known := b.instead != nil || g.members[b.mb.id] != nil
	last := known && b.mb.told.Classic == nil
	changed := b.join()
	if last && g.assignmentEpoch >= g.epoch {
		b.reconcile(changed)
	}
	if last {
		if next := m.downgraded(g); next != nil {
			settled := g.state() == Stable
			m.append(b.records...)
			m.downgrade(g, next)
			if !settled {
				m.prepareRebalance(next)
			}
			return wire.None
		}
	}
	code := b.assign(changed)
	m.append(b.records...)
	m.keepModernAlive(g, b.mb, b.mb.sessionTimeout(0))
	m.timers.cancel(timerKey{joinTimer, g.id, b.mb.id})
	m.timers.set(timerKey{syncTimer, g.id, b.mb.id}, m.now.Add(b.mb.rebalanceTimeout()))
	return code
}

// newID is the id of a member that brings none: what it calls itself, as far as a string of a record has room for it, and a nonce.
func (q Join) newID() string {
	name := q.ClientID
	if q.InstanceID != nil {
		name = *q.InstanceID
	}
	if room := math.MaxInt16 - len("-") - len(q.Nonce); len(name) > room {
		name = strings.ToValidUTF8(name[:room], "")
	}
	return name + "-" + q.Nonce
}

// lookAtJoin finds out who joins, and why that may not be. It changes nothing.
func (m *Machine) lookAtJoin(g *modernGroup, q Join) (*beating, int16) {
	id, isNew := q.MemberID, q.MemberID == ""
	if isNew {
		id = q.newID()
	}
	replaces := q.InstanceID != nil && g.static[*q.InstanceID] != ""
	switch {
	case !m.cfg.Consumer.Upgrade && !m.cfg.Consumer.Downgrade, q.ProtocolType != consumerProtocol, !g.supports(q.Protocols):
		return nil, wire.InconsistentGroupProtocol
	case g.members[id] == nil && !replaces && len(g.members) >= m.cfg.Consumer.MaxSize:
		return nil, wire.GroupMaxSizeReached
	case isNew && q.InstanceID == nil && q.Version >= memberIDRequired:
		return nil, wire.MemberIDRequired
	}
	subscription, err := embedded.ReadSubscription(q.Protocols[0].Metadata)
	if err != nil {
		return nil, wire.InconsistentGroupProtocol
	}
	b := &beating{m: m, g: g, mb: g.members[id]}
	if code := b.findJoining(id, isNew, q.InstanceID); code != wire.None {
		return nil, code
	}
	b.q = Beat{BeatRequest: &BeatRequest{Topics: ownedOf(subscription.Owned, m.topics)}, Settings: q.Settings, Topics: m.topics}
	b.told = q.tell(b.mb.told, subscription)
	if b.size() > m.cfg.MaxAppendBytes {
		return nil, wire.UnknownServerError
	}
	return b, wire.None
}

// supports reports whether a join has an assignor that all members of the classic protocol have.
func (g *modernGroup) supports(protocols []kmsg.JoinGroupRequestProtocol) bool {
	return slices.ContainsFunc(protocols, func(p kmsg.JoinGroupRequestProtocol) bool {
		for _, mb := range g.members {
			if mb.told.Classic != nil && !slices.ContainsFunc(mb.told.Classic.Protocols, func(c consumerlog.ClassicProtocol) bool { return c.Name == p.Name }) {
				return false
			}
		}
		return true
	})
}

func (b *beating) findJoining(id string, isNew bool, instance *string) int16 {
	if instance != nil {
		holder := b.g.members[b.g.static[*instance]]
		switch {
		case holder == nil && !isNew:
			return wire.UnknownMemberID
		case holder != nil && isNew:
			b.instead = holder
		case holder != b.mb:
			return wire.FencedInstanceID
		}
	}
	if b.mb == nil {
		b.mb = newModernMember(id)
	}
	if b.instead != nil {
		b.mb.told = b.instead.told
	}
	return wire.None
}

// tell is what a member of the classic protocol tells with a join.
func (q Join) tell(told consumerlog.Member, s embedded.Subscription) consumerlog.Member {
	none := ""
	told.ClientID, told.ClientHost, told.Regex = q.ClientID, q.ClientHost, &none
	told.Topics = distinctSorted(s.Topics)
	if q.InstanceID != nil {
		told.Instance = cloneString(q.InstanceID)
	}
	if s.Rack != nil {
		told.Rack = s.Rack
	}
	told.RebalanceTimeoutMillis = q.RebalanceTimeoutMillis
	if q.RebalanceTimeoutMillis < 0 {
		told.RebalanceTimeoutMillis = q.SessionTimeoutMillis
	}
	told.Classic = &consumerlog.Classic{SessionTimeoutMillis: q.SessionTimeoutMillis}
	for _, p := range protocolsOf(q.Protocols) {
		told.Classic.Protocols = append(told.Classic.Protocols, consumerlog.ClassicProtocol{Name: p.name, Metadata: bytes.Clone(p.metadata)})
	}
	return told
}

// ownedOf are the partitions that a subscription names. Members without any have given back what they had before they joined.
func ownedOf(partitions []embedded.TopicPartitions, topics Topics) owned {
	has := owned{}
	for _, of := range partitions {
		if t, exists := topics.ByName(of.Topic); exists {
			has = append(has, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: t.ID, Partitions: of.Partitions})
		}
	}
	return has
}

// findClassic is the member of the classic protocol that a request speaks for, at its epoch.
func (g *modernGroup) findClassic(memberID string, instance *string, generation int32) (*modernMember, int16) {
	mb, code := g.find(memberID, instance)
	switch {
	case code != wire.None:
		return nil, code
	case mb.told.Classic == nil:
		return nil, wire.UnknownMemberID
	case mb.epoch != generation:
		return nil, wire.IllegalGeneration
	default:
		return mb, wire.None
	}
}

func (m *Machine) syncModern(ticket uint64, g *modernGroup, q Sync) {
	mb, code := g.findClassic(q.MemberID, q.InstanceID, q.Generation)
	switch {
	case code != wire.None:
	case q.ProtocolType != nil && *q.ProtocolType != consumerProtocol, q.Protocol != nil && *q.Protocol != mb.told.Classic.Protocols[0].Name:
		code = wire.InconsistentGroupProtocol
	case m.topics == nil, g.assignmentEpoch > mb.epoch && mb.state != consumerlog.Unrevoked:
		// Without topics there are no names for what it has; its join brings them.
		m.awaitJoin(g, mb)
		code = wire.RebalanceInProgress
	}
	if code != wire.None {
		m.refuse(ticket, code)
		return
	}
	m.timers.cancel(timerKey{syncTimer, g.id, mb.id})
	m.keepModernAlive(g, mb, mb.sessionTimeout(0))
	r := kmsg.NewPtrSyncGroupResponse()
	r.ProtocolType, r.Protocol = q.ProtocolType, q.Protocol
	r.MemberAssignment = embeddedAssignment(mb.assigned.partitions(), m.topics).Bytes(assignmentVersion(mb.told.Classic))
	m.answer(ticket, r)
}

// awaitJoin removes a member of the classic protocol that does not join again in time.
func (m *Machine) awaitJoin(g *modernGroup, mb *modernMember) {
	key := timerKey{joinTimer, g.id, mb.id}
	if m.timers.byKey[key] == nil {
		m.timers.set(key, m.now.Add(mb.rebalanceTimeout()))
	}
}

func (m *Machine) heartbeatModern(ticket uint64, g *modernGroup, q Heartbeat) {
	mb, code := g.findClassic(q.MemberID, q.InstanceID, q.Generation)
	if code != wire.None {
		m.refuse(ticket, code)
		return
	}
	m.keepModernAlive(g, mb, mb.sessionTimeout(0))
	waits := mb.state == consumerlog.Unreleased && g.waits(mb)
	if mb.epoch < g.assignmentEpoch || mb.state != consumerlog.Stable && !waits {
		m.awaitJoin(g, mb)
		m.refuse(ticket, wire.RebalanceInProgress)
		return
	}
	m.answer(ticket, nil)
}

// waits reports whether something that the member is to have is still another member's.
func (g *modernGroup) waits(mb *modernMember) bool {
	for topic, partitions := range g.target[mb.id] {
		for _, p := range partitions {
			if owner := g.owners[topic][p]; owner != "" && owner != mb.id {
				return true
			}
		}
	}
	return false
}

func (m *Machine) leaveModern(ticket uint64, g *modernGroup, q Leave) {
	r := kmsg.NewPtrLeaveGroupResponse()
	var leaving []*modernMember
	for _, who := range q.Members {
		one := kmsg.NewLeaveGroupResponseMember()
		one.MemberID, one.InstanceID = who.MemberID, cloneString(who.InstanceID)
		id := who.MemberID
		if id == "" && who.InstanceID != nil {
			id = g.static[*who.InstanceID]
		}
		mb, code := g.find(id, who.InstanceID)
		if one.ErrorCode = code; code == wire.None && !slices.Contains(leaving, mb) {
			leaving = append(leaving, mb)
		}
		r.Members = append(r.Members, one)
	}
	if len(leaving) > 0 {
		m.fenceModern(g, leaving...)
	}
	m.answer(ticket, r)
}

// sessionTimeout is how long the member may be silent: what it has asked for, where it uses the classic protocol.
func (mb *modernMember) sessionTimeout(otherwise time.Duration) time.Duration {
	if mb.told.Classic == nil {
		return otherwise
	}
	return time.Duration(mb.told.Classic.SessionTimeoutMillis) * time.Millisecond
}

func (mb *modernMember) rebalanceTimeout() time.Duration {
	return time.Duration(mb.told.RebalanceTimeoutMillis) * time.Millisecond
}

func (e epochs) partitions() assign.Assignment {
	a := assign.Assignment{}
	for topic, partitions := range e {
		a[topic] = sortedKeys(partitions)
	}
	return a
}

// embeddedAssignment is an assignment as members of the classic protocol read it; it leaves out topics that are gone.
func embeddedAssignment(a assign.Assignment, topics Topics) embedded.Assignment {
	var out embedded.Assignment
	for _, id := range sortedTopics(a) {
		if t, exists := topics.ByID(id); exists {
			out.Topics = append(out.Topics, embedded.TopicPartitions{Topic: t.Name, Partitions: a[id]})
		}
	}
	return out
}
