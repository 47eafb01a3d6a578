package group

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/consumerlog"
	"github.com/chronik-stream/chronik/broker/wire"
)

// beating is a heartbeat under way. It is looked at whole before anything is changed.
type beating struct {
	m *Machine
	q Beat
	// g and mb are who it is from. They may be new.
	g  *modernGroup
	mb *modernMember
	// instead is the static member whose place mb takes, if any; classic is the group of the classic protocol whose place g takes.
	instead *modernMember
	classic *group
	// told is what the member has told with this.
	told consumerlog.Member
	// late says that the member has missed an answer; before is what it was assigned then.
	late    bool
	before  epochs
	records []Record
	// subscribed are the topics that the group subscribes to with what the member has told, once they have been looked for.
	subscribed subscribedTopics
}

// beat takes a heartbeat of a consumer group (KIP-848), which says all at once: what the member wants, has, and is to get.
func (m *Machine) beat(ticket uint64, q Beat) {
	m.learn(q.Topics)
	if q.MemberEpoch < 0 {
		m.beatLeave(ticket, q)
		return
	}
	if q.MemberID == "" {
		q.MemberID = q.NewID
	}
	b := &beating{m: m, q: q}
	if code := b.look(); code != wire.None {
		m.refuse(ticket, code)
		return
	}
	code := b.assign(b.join())
	m.append(b.records...)
	m.keepModernAlive(b.g, b.mb, q.Settings.SessionTimeout)
	if code != wire.None {
		m.refuse(ticket, code)
		return
	}
	m.answer(ticket, &BeatAnswer{Response: b.answer(), Due: b.g.due(m, q.Rights)})
}

// look finds out who beats, and why that may not be.
func (b *beating) look() int16 {
	if code := b.findGroup(); code != wire.None {
		return code
	}
	_, replaces := b.instance()
	if b.g.members[b.q.MemberID] == nil && !replaces && len(b.g.members) >= b.m.cfg.Consumer.MaxSize {
		return wire.GroupMaxSizeReached
	}
	if code := b.findMember(); code != wire.None {
		return code
	}
	b.told = b.q.tell(b.mb.told)
	if b.size() > b.m.cfg.MaxAppendBytes {
		return wire.InvalidRequest
	}
	if own := b.q.SubscribedTopicRegex; own != nil && b.q.Matches.size(b.g.id, *own) > b.m.cfg.MaxAppendBytes {
		return wire.InvalidRegularExpression
	}
	return wire.None
}

// size is the largest record that makes the member last. One that takes another's place is first written with all that the other had.
func (b *beating) size() int {
	told := b.g.memberRecord(b.mb.id, &b.told)
	old := b.instead
	if old == nil {
		return told.Size()
	}
	taken := b.g.memberRecord(b.mb.id, &old.told)
	has := len(b.g.id) + len(b.mb.id) + old.weight() + weightOf(b.g.target[old.id])
	return max(told.Size(), taken.Size(), has)
}

func (b *beating) findGroup() int16 {
	id := b.q.Group
	if b.g = b.m.modern[id]; b.g != nil {
		return wire.None
	}
	if b.q.MemberEpoch != 0 {
		return wire.GroupIDNotFound
	}
	b.classic = b.m.groups[id]
	if b.classic == nil || b.classic.state == Empty {
		b.g = newModernGroup(id)
		return wire.None
	}
	if b.g = b.m.upgraded(b.classic); b.g == nil {
		return wire.GroupIDNotFound
	}
	return wire.None
}

// instance is the static member that has the instance id of the request, and whether there is one.
func (b *beating) instance() (*modernMember, bool) {
	if b.q.InstanceID == nil {
		return nil, false
	}
	mb := b.g.members[b.g.static[*b.q.InstanceID]]
	return mb, mb != nil
}

func (b *beating) findMember() int16 {
	b.mb = b.g.members[b.q.MemberID]
	if b.q.InstanceID != nil {
		holder, held := b.instance()
		switch {
		case !held && b.q.MemberEpoch != 0:
			return wire.UnknownMemberID
		case !held || holder == b.mb:
		case b.q.MemberEpoch != 0:
			return wire.FencedInstanceID
		case holder.epoch != leftForNow && holder.told.Classic == nil:
			return wire.UnreleasedInstanceID
		default:
			b.instead = holder
		}
	}
	switch {
	case b.instead != nil:
		b.mb = newModernMember(b.q.MemberID)
		b.mb.told = b.instead.told
		return wire.None
	case b.mb != nil:
		return b.checkEpoch()
	case b.q.MemberEpoch != 0:
		return wire.UnknownMemberID
	default:
		b.mb = newModernMember(b.q.MemberID)
		return wire.None
	}
}

// checkEpoch fences a member that is not where the group has it. One step back is a member that has not got the last answer, as long
// as it has nothing that it is not to have.
func (b *beating) checkEpoch() int16 {
	epoch, has := b.q.MemberEpoch, owned(b.q.BeatRequest.Topics)
	late := epoch < b.mb.epoch && (epoch != b.mb.previous || !has.within(b.mb.assigned))
	lost := b.mb.state == consumerlog.Unknown && (has == nil || len(has) > 0)
	if epoch != 0 && (epoch > b.mb.epoch || late) || lost {
		return wire.FencedMemberEpoch
	}
	return wire.None
}

// tell is what the member has told so far and with this.
func (q Beat) tell(told consumerlog.Member) consumerlog.Member {
	told.ClientID, told.ClientHost, told.Classic = q.ClientID, q.ClientHost, nil
	if q.InstanceID != nil {
		told.Instance = cloneString(q.InstanceID)
	}
	if q.RackID != nil {
		told.Rack = cloneString(q.RackID)
	}
	if q.ServerAssignor != nil {
		told.Assignor = cloneString(q.ServerAssignor)
	}
	if q.SubscribedTopicRegex != nil {
		told.Regex = cloneString(q.SubscribedTopicRegex)
	}
	if q.RebalanceTimeoutMillis != -1 {
		told.RebalanceTimeoutMillis = q.RebalanceTimeoutMillis
	}
	if q.SubscribedTopicNames != nil {
		told.Topics = distinctSorted(q.SubscribedTopicNames)
	}
	return told
}

func distinctSorted(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// join takes in what the member has told. It reports whether its subscription changed.
func (b *beating) join() (changed bool) {
	created := b.takePlace()
	if (b.mb.told.Classic == nil) != (b.told.Classic == nil) {
		// The times of one protocol are not kept by the requests of the other.
		b.m.forgetModernTimers(b.g, b.mb)
	}
	b.late, b.before = b.q.MemberEpoch < b.mb.epoch, b.mb.assigned
	changed, bump := b.subscribe()
	if b.match() {
		bump = true
	}
	b.bump(bump, created)
	return changed
}

// assign computes an assignment when it is time for one, and moves the member on towards its part of it.
func (b *beating) assign(changed bool) int16 {
	if b.mayAssign() {
		records, err := b.m.retarget(b.g, b.topics())
		if err != nil {
			b.m.outbox.Trouble(b.g.id, fmt.Errorf("assign to %d members: %w", len(b.g.members), err))
			return wire.UnknownServerError
		}
		b.records = append(b.records, records...)
	}
	b.reconcile(changed)
	return wire.None
}

// takePlace makes the group, in the place of a classic one where there is one, and puts a static member that is back in its old place.
func (b *beating) takePlace() (created bool) {
	if created = b.m.modern[b.g.id] == nil; created {
		b.m.modern[b.g.id] = b.g
		if b.classic != nil {
			b.records = append(b.records, b.m.upgrade(b.classic, b.g)...)
		}
		created = len(b.g.members) == 0
	}
	if old := b.instead; old != nil {
		b.records = append(b.records, b.m.replace(b.g, old, b.mb)...)
	}
	return created
}

// replace puts a static member into the place of its former self, which it has to reach anew. If it was a member of its own before, it has
// left that behind: what it owned there would be kept from the others for ever.
func (m *Machine) replace(g *modernGroup, old, mb *modernMember) []Record {
	target, at := g.target[old.id], old.place
	at.epoch, at.previous = 0, 0
	records := g.memberTombstones(old.id)
	m.forgetModernTimers(g, old)
	g.drop(old)
	before := g.members[mb.id]
	if before != nil {
		m.forgetModernTimers(g, before)
		g.drop(before)
	}
	g.put(mb, old.told)
	g.settle(mb, at)
	g.target[mb.id] = target
	if before != nil {
		records = append(records, g.forgetPattern(before.pattern())...)
	}
	return append(records, g.memberRecord(mb.id, &mb.told), g.targetMemberRecord(mb.id), g.placeRecord(mb))
}

// subscribe takes in what the member has told. It reports whether its subscription changed, and whether the group's epoch has to
// follow at once: a pattern that is not resolved yet adds nothing.
func (b *beating) subscribe() (changed, bump bool) {
	g, mb := b.g, b.mb
	old, oldPattern := mb.told, mb.pattern()
	if g.members[mb.id] == mb && sameMember(&old, &b.told) {
		return false, false
	}
	g.put(mb, b.told)
	b.records = append(b.records, g.memberRecord(mb.id, &mb.told))
	b.records = append(b.records, g.forgetPattern(oldPattern)...)
	bump = !slices.Equal(old.Topics, b.told.Topics)
	if pattern := mb.pattern(); pattern != oldPattern {
		_, resolved := g.resolved[pattern]
		return true, bump || pattern == "" || resolved
	}
	return bump, bump
}

// forgetPattern forgets what a pattern matches that nobody subscribes with.
func (g *modernGroup) forgetPattern(pattern string) []Record {
	if g.patterns[pattern] > 0 {
		return nil
	}
	delete(g.lookups, pattern)
	if _, resolved := g.resolved[pattern]; !resolved {
		return nil
	}
	delete(g.resolved, pattern)
	return []Record{g.tombstoneOf(consumerlog.RegexType, pattern)}
}

// bump begins the next epoch when the subscriptions have changed, or the topics that they name.
func (b *beating) bump(bump, created bool) {
	g, topics := b.g, b.m.topics
	if bump || created || g.seen != topics.Version() {
		bump = g.rehash(b.topics(), topics) || bump
	}
	if bump {
		g.epoch++
	}
	if bump || created {
		b.records = append(b.records, g.groupRecord())
	}
	if g.oldTopics {
		g.oldTopics = false
		b.records = append(b.records, g.tombstoneOf(consumerlog.PartitionsType, ""))
	}
}

// topics are those that the group subscribes to, which are many: they are looked for when they are needed, and once.
func (b *beating) topics() subscribedTopics {
	if b.subscribed == nil {
		b.subscribed = b.g.subscribedTopics(b.m.topics)
	}
	return b.subscribed
}

// mayAssign reports whether there is something to assign, and the last time was long enough ago (KIP-1263).
func (b *beating) mayAssign() bool {
	if b.g.assignmentEpoch >= b.g.epoch {
		return false
	}
	return b.g.assignedAt.IsZero() || !b.m.now.Before(b.g.assignedAt.Add(b.q.Settings.AssignmentInterval))
}

func (b *beating) reconcile(changed bool) {
	g, mb := b.g, b.mb
	if !changed && mb.reached(g.assignmentEpoch) {
		return
	}
	r := reconciliation{g: g, mb: mb, topics: b.m.topics, changed: changed, owned: b.q.BeatRequest.Topics}
	next := r.next()
	if next.equal(&mb.place) {
		return
	}
	g.settle(mb, next)
	b.records = append(b.records, g.placeRecord(mb))
	b.m.watchRevocation(g, mb)
}

// answer tells a member its assignment when it has just joined, told everything, missed an answer, or is assigned something else than
// before.
func (b *beating) answer() *kmsg.ConsumerGroupHeartbeatResponse {
	r := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	r.MemberID, r.MemberEpoch = kmsg.StringPtr(b.mb.id), b.mb.epoch
	r.HeartbeatIntervalMillis = int32(b.q.Settings.HeartbeatInterval.Milliseconds()) //nolint:gosec // it is an int32 of milliseconds
	q := b.q.BeatRequest
	full := q.RebalanceTimeoutMillis != -1 && (q.SubscribedTopicNames != nil || q.SubscribedTopicRegex != nil) && q.Topics != nil
	if q.MemberEpoch == 0 || full || b.late || !b.before.equal(b.mb.assigned) {
		r.Assignment = b.mb.assigned.answer()
	}
	return r
}

func (e epochs) answer() *kmsg.ConsumerGroupHeartbeatResponseAssignment {
	a := kmsg.NewConsumerGroupHeartbeatResponseAssignment()
	for _, topic := range sortedTopics(e) {
		one := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
		one.TopicID, one.Partitions = topic, sortedKeys(e[topic])
		a.Topics = append(a.Topics, one)
	}
	return &a
}

func sameMember(a, b *consumerlog.Member) bool {
	return sameString(a.Instance, b.Instance) && sameString(a.Rack, b.Rack) && a.ClientID == b.ClientID && a.ClientHost == b.ClientHost &&
		slices.Equal(a.Topics, b.Topics) && sameString(a.Regex, b.Regex) && a.RebalanceTimeoutMillis == b.RebalanceTimeoutMillis &&
		sameString(a.Assignor, b.Assignor) && sameClassic(a.Classic, b.Classic)
}

func sameClassic(a, b *consumerlog.Classic) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.SessionTimeoutMillis == b.SessionTimeoutMillis &&
		slices.EqualFunc(a.Protocols, b.Protocols, func(x, y consumerlog.ClassicProtocol) bool {
			return x.Name == y.Name && bytes.Equal(x.Metadata, y.Metadata)
		})
}

func sameString(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// keepModernAlive begins the member's session time anew.
func (m *Machine) keepModernAlive(g *modernGroup, mb *modernMember, timeout time.Duration) {
	m.timers.set(timerKey{sessionTimer, g.id, mb.id}, m.now.Add(timeout))
}

// watchRevocation gives a member the time that it has asked for to give partitions back.
func (m *Machine) watchRevocation(g *modernGroup, mb *modernMember) {
	key := timerKey{revocationTimer, g.id, mb.id}
	if mb.state != consumerlog.Unrevoked || mb.told.Classic != nil {
		m.timers.cancel(key)
		return
	}
	timeout := mb.rebalanceTimeout()
	if timeout < 0 {
		timeout = m.cfg.Consumer.SessionTimeout
	}
	m.timers.set(key, m.now.Add(timeout))
}

func (m *Machine) forgetModernTimers(g *modernGroup, mb *modernMember) {
	for _, kind := range []timerKind{sessionTimer, revocationTimer, joinTimer, syncTimer} {
		m.timers.cancel(timerKey{kind, g.id, mb.id})
	}
}
