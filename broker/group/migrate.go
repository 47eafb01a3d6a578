package group

import (
	"slices"

	"github.com/chronik-stream/chronik/broker/group/consumerlog"
	"github.com/chronik-stream/chronik/broker/group/embedded"
	"github.com/chronik-stream/chronik/broker/wire"
)

// upgraded is a classic group as one of the consumer protocol, with all members at its generation (KIP-848). Nothing is changed yet; nil
// says that the group can not be upgraded: it is not allowed, its members are no consumers or fit no record, or they have an assignor of
// their own, whose data would be lost. A group in its first rebalance is upgraded like any other; Apache Kafka 4.3 means to, but tells the
// consumer UNKNOWN_SERVER_ERROR, since such a group has selected no protocol.
func (m *Machine) upgraded(g *group) *modernGroup {
	if !m.cfg.Consumer.Upgrade || g.protocolType != consumerProtocol || len(g.order) > m.cfg.Consumer.MaxSize || g.mayKeepData() {
		return nil
	}
	next := newModernGroup(g.id)
	next.epoch, next.assignmentEpoch = g.generation, g.generation
	protocol, told := g.agreed(), make([]embedded.Subscription, len(g.order))
	for i, mb := range g.order {
		var err error
		if told[i], err = embedded.ReadSubscription(mb.metadata(protocol)); err != nil || !next.adopt(mb, &told[i], m.topics) {
			return nil
		}
	}
	for i, mb := range g.order {
		next.adoptOwned(mb, told[i].Owned, m.topics)
		if next.adoptedSize(mb.id) > m.cfg.MaxAppendBytes {
			return nil
		}
	}
	next.rehash(next.subscribedTopics(m.topics), m.topics)
	return next
}

// mayKeepData reports whether no assignment shows if the group's assignor, one that is not of the clients' own, puts data of its own into
// them. It does not while a rebalance is on its way; a Kafka Streams application would not start again without that data.
func (g *group) mayKeepData() bool {
	switch g.agreed() {
	case "range", "roundrobin", "sticky", "cooperative-sticky":
		return false
	}
	return !slices.ContainsFunc(g.order, func(mb *member) bool { return len(mb.assignment) > 0 })
}

// adopt makes a member of a classic group one of this.
func (g *modernGroup) adopt(mb *member, subscription *embedded.Subscription, topics Topics) bool {
	var assignment embedded.Assignment
	if len(mb.assignment) > 0 {
		var err error
		if assignment, err = embedded.ReadAssignment(mb.assignment); err != nil || len(assignment.UserData) > 0 {
			return false
		}
	}
	next, none := newModernMember(mb.id), ""
	g.put(next, consumerlog.Member{
		Instance: cloneString(mb.instance), Rack: subscription.Rack, ClientID: mb.clientID, ClientHost: mb.clientHost,
		Topics: distinctSorted(subscription.Topics), Regex: &none,
		RebalanceTimeoutMillis: int32(mb.rebalanceTimeout.Milliseconds()), //nolint:gosec // it came as an int32
		Classic:                classicOf(mb),
	})
	g.settle(next, place{
		epoch: g.epoch, previous: g.epoch, state: consumerlog.Stable,
		assigned: g.unowned(assignment.Topics, topics),
	})
	g.target[next.id] = next.assigned.partitions()
	return true
}

// adoptOwned takes in what a member that cooperates had when it joined and is not assigned: it may use it until it joins again. A
// rebalance that has taken back all assignments leaves it that; one that has assigned it to nobody has the member give it back first.
func (g *modernGroup) adoptOwned(mb *member, owned []embedded.TopicPartitions, topics Topics) {
	has := g.unowned(owned, topics)
	if len(has) == 0 {
		return
	}
	next := g.members[mb.id]
	at := next.place
	if len(mb.assignment) == 0 {
		at.assigned = has
		g.target[next.id] = has.partitions()
	} else {
		at.state, at.revoking = consumerlog.Unrevoked, has
	}
	g.settle(next, at)
}

// unowned are those of the partitions that exist and that no member has, at the group's epoch.
func (g *modernGroup) unowned(partitions []embedded.TopicPartitions, topics Topics) epochs {
	out := epochs{}
	for _, of := range partitions {
		t, exists := topics.ByName(of.Topic)
		for _, p := range of.Partitions {
			if exists && p >= 0 && p < t.Partitions && g.owners[t.ID][p] == "" {
				out.set(t.ID, p, g.epoch)
			}
		}
	}
	return out
}

// adoptedSize is the largest record of a member of a classic group. It holds the metadata of all its protocols, of which the classic
// group's record has one.
func (g *modernGroup) adoptedSize(id string) int {
	mb := g.members[id]
	told := g.memberRecord(id, &mb.told)
	return max(told.Size(), len(g.id)+mb.weight()+weightOf(g.target[id]))
}

func classicOf(mb *member) *consumerlog.Classic {
	c := &consumerlog.Classic{SessionTimeoutMillis: int32(mb.sessionTimeout.Milliseconds())} //nolint:gosec // it came as an int32
	for _, p := range mb.protocols {
		c.Protocols = append(c.Protocols, consumerlog.ClassicProtocol{Name: p.name, Metadata: p.metadata})
	}
	return c
}

// assignmentVersion is how a member of the classic protocol reads an assignment: in the version of its own subscription.
func assignmentVersion(c *consumerlog.Classic) int16 {
	s, err := embedded.ReadSubscription(c.Protocols[0].Metadata)
	if err != nil {
		return 0
	}
	return s.Version
}

// upgrade gives a group of the consumer protocol the place of a classic one, and returns the records that do so. Who waits for the classic
// group's rebalance is told to join again.
func (m *Machine) upgrade(old *group, g *modernGroup) []Record {
	m.timers.cancel(timerKey{kind: joinTimer, group: old.id})
	m.endSync(old)
	for _, mb := range old.order {
		m.dismiss(mb, mb.id, wire.RebalanceInProgress)
	}
	records := m.giveWay(old)
	if len(g.members) == 0 {
		return records
	}
	var targets, places []Record
	for _, id := range sortedKeys(g.members) {
		mb := g.members[id]
		records = append(records, g.memberRecord(id, &mb.told))
		targets, places = append(targets, g.targetMemberRecord(id)), append(places, g.placeRecord(mb))
		m.keepModernAlive(g, mb, mb.sessionTimeout(0))
	}
	records = append(append(append(records, g.groupRecord()), targets...), g.targetRecord())
	return append(records, places...)
}

// downgraded is the group without some of its members as a classic one (KIP-848). Its members have what they may be using, and not what
// they were to have, as Apache Kafka writes it: the group may be upgraded again before they have joined. Nothing is changed yet; nil says
// that it can not be one: that is not allowed, nobody is left or too many are, one of them uses the consumer protocol, they do not fit a
// record, or no request has brought the topics' names yet.
func (m *Machine) downgraded(g *modernGroup, without ...*modernMember) *group {
	if m.topics == nil || !m.cfg.Consumer.Downgrade {
		return nil
	}
	next := newGroup(g.id)
	next.generation, next.protocolType, next.stored = g.epoch, consumerProtocol, true
	for _, id := range sortedKeys(g.members) {
		mb := g.members[id]
		if slices.Contains(without, mb) {
			continue
		}
		if mb.told.Classic == nil {
			return nil
		}
		next.add(mb.classic())
		has := embeddedAssignment(mb.has(), m.topics)
		next.members[id].assignment = has.Bytes(assignmentVersion(mb.told.Classic))
	}
	if len(next.order) == 0 || len(next.order) > m.cfg.MaxSize {
		return nil
	}
	name := next.vote()
	next.protocol = &name
	next.topics = next.subscribedTopics()
	next.enter(Stable, m.now)
	if r := next.record(); r.Size() > m.cfg.MaxAppendBytes {
		return nil
	}
	return next
}

// downgrade gives a classic group the place of one of the consumer protocol.
func (m *Machine) downgrade(g *modernGroup, next *group) {
	m.append(append(m.forgetModern(g), next.record())...)
	m.groups[g.id] = next
	for _, mb := range next.order {
		m.keepAlive(next, mb)
	}
}

// classic is the member as one of a classic group.
func (mb *modernMember) classic() *member {
	out := &member{
		id: mb.id, instance: mb.told.Instance, clientID: mb.told.ClientID, clientHost: mb.told.ClientHost,
		rebalanceTimeout: mb.rebalanceTimeout(), sessionTimeout: mb.sessionTimeout(0),
	}
	for _, p := range mb.told.Classic.Protocols {
		out.protocols = append(out.protocols, protocol{name: p.Name, metadata: p.Metadata})
	}
	return out
}
