package group

import (
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Config holds the limits and times of groups, under the names of Apache Kafka's configuration.
type Config struct {
	// InitialRebalanceDelay is how long a new group waits for more members (group.initial.rebalance.delay.ms).
	InitialRebalanceDelay time.Duration
	// MinSessionTimeout and MaxSessionTimeout bound what members may ask for (group.min.session.timeout.ms, ...max...).
	MinSessionTimeout time.Duration
	MaxSessionTimeout time.Duration
	// MaxSize is the largest number of members of a group (group.max.size).
	MaxSize int
	// MaxOffsetMetadata is the longest metadata of a committed offset, in UTF-16 units (offset.metadata.max.bytes).
	MaxOffsetMetadata int
	// OffsetsRetention is how long offsets outlive their use (offsets.retention.minutes).
	OffsetsRetention time.Duration
	// ExpiryInterval is how often old offsets are looked for (offsets.retention.check.interval.ms).
	ExpiryInterval time.Duration
	// MaxAppendBytes bounds the records of one Append; with a batch header of 61 bytes it has to fit the max.message.bytes of Topic.
	MaxAppendBytes int
	// Consumer is for groups of the consumer protocol.
	Consumer ConsumerConfig
}

// ConsumerConfig holds the limits of groups of the consumer protocol (KIP-848).
type ConsumerConfig struct {
	// MaxSize is the largest number of members of a group (group.consumer.max.size).
	MaxSize int
	// Assignors are the names of assignors, at least one; the first is for groups that ask for none (group.consumer.assignors).
	Assignors []string
	// SessionTimeout is for members that were not heard of since the log was loaded (group.consumer.session.timeout.ms).
	SessionTimeout time.Duration
	// Upgrade and Downgrade say whether a classic group becomes one of the consumer protocol when a member of that joins, and one of the
	// classic protocol again when the last of them has left (group.consumer.migration.policy).
	Upgrade, Downgrade bool
	// RegexRefresh is how long topics are taken for all that match a regular expression (group.consumer.regex.refresh.interval.ms).
	RegexRefresh time.Duration
}

// newMemberTimeout ends the join of a new member that may have gone away: it cannot send heartbeats while it waits
// (Apache Kafka's GroupCoordinator.NewMemberJoinTimeoutMs).
const newMemberTimeout = 5 * time.Minute

// Machine coordinates the groups of one partition of __consumer_offsets.
type Machine struct {
	cfg Config
	// groups are those of the classic protocol and those that only store offsets, modern those of the consumer protocol. An id is in one
	// of them at the most.
	groups  map[string]*group
	modern  map[string]*modernGroup
	offsets offsetStore
	timers  timers
	// topics are the newest that a request came with; nil before the first.
	topics Topics

	now    time.Time
	outbox coordinator.Outbox
	// unsettled makes the change that the append of the last step stands for, which the log may still refuse; nil for none.
	unsettled func()
	dead      bool
}

// New returns a machine without groups, to which the log is to be replayed.
func New(cfg Config) *Machine {
	return &Machine{
		cfg: cfg, groups: map[string]*group{}, modern: map[string]*modernGroup{}, offsets: newOffsetStore(), timers: newTimers(),
	}
}

// Step takes one event at the time now and returns what is to be done, in order.
func (m *Machine) Step(ev Event, now time.Time) []Effect {
	m.now = now
	if _, refused := ev.(Refused); !refused {
		m.settle()
	}
	switch ev := ev.(type) {
	case Loaded:
		m.loaded()
	case Asked:
		m.asked(ev)
	case Appended:
		m.outbox.Confirm(ev.Seq)
	case Refused:
		m.unsettled = nil
		m.outbox.Refuse(ev.Code)
	case Failed:
		m.failed(ev.Code)
	case Woken:
		m.woken()
	}
	return m.outbox.Take(m.timers.next())
}

// settle makes the change that the last step has written: nothing has refused it.
func (m *Machine) settle() {
	if m.unsettled != nil {
		m.unsettled()
		m.unsettled = nil
	}
}

func (m *Machine) asked(ev Asked) {
	if m.dead {
		m.refuse(ev.Ticket, wire.NotCoordinator)
		return
	}
	switch q := ev.Request.(type) {
	case Join:
		m.join(ev.Ticket, q)
	case Sync:
		m.sync(ev.Ticket, q)
	case Heartbeat:
		m.heartbeat(ev.Ticket, q)
	case Leave:
		m.leave(ev.Ticket, q)
	case Commit:
		m.commit(ev.Ticket, q)
	case CommitTxn:
		m.commitTxn(ev.Ticket, q)
	case EndTxn:
		m.endTxn(ev.Ticket, q)
	case Fetch:
		m.fetch(ev.Ticket, q)
	case DeleteOffsets:
		m.deleteOffsets(ev.Ticket, q)
	case Describe:
		m.describe(ev.Ticket, q)
	case List:
		m.list(ev.Ticket, q)
	case Delete:
		m.delete(ev.Ticket, q)
	case SetMaxAppend:
		m.cfg.MaxAppendBytes = q.Bytes
		m.answer(ev.Ticket, nil)
	case TopicsDeleted:
		m.topicsDeleted(ev.Ticket, q)
	case Beat:
		m.beat(ev.Ticket, q)
	case DescribeModern:
		m.describeModern(ev.Ticket, q)
	case ListTopics:
		m.listTopics(ev.Ticket)
	default:
		m.refuse(ev.Ticket, wire.UnknownServerError)
	}
}

func (m *Machine) failed(code int16) {
	m.dead = true
	m.outbox.Fail(code)
	for _, id := range sortedKeys(m.groups) {
		for _, mb := range m.groups[id].order {
			m.abandon(&mb.joining)
			m.abandon(&mb.syncing)
		}
	}
	m.groups, m.modern, m.offsets = map[string]*group{}, map[string]*modernGroup{}, newOffsetStore()
	m.timers = newTimers()
}

// abandon tells a waiter to look for the coordinator again.
func (m *Machine) abandon(ticket *uint64) {
	if *ticket != 0 {
		m.refuse(*ticket, wire.NotCoordinator)
		*ticket = 0
	}
}

func (m *Machine) woken() {
	m.outbox.Woken()
	for {
		k, due := m.timers.due(m.now)
		if !due {
			return
		}
		m.expired(k)
	}
}

func (m *Machine) expired(k timerKey) {
	if k.kind == expiryTimer {
		m.expireOffsets()
		m.timers.set(k, m.now.Add(m.cfg.ExpiryInterval))
		return
	}
	if g := m.modern[k.group]; g != nil {
		m.modernExpired(g, k)
		return
	}
	g := m.groups[k.group]
	if g == nil {
		return
	}
	switch k.kind {
	case sessionTimer:
		m.sessionExpired(g, k.member)
	case joinTimer:
		m.joinTimeUp(g)
	case syncTimer:
		m.syncTimeUp(g)
	}
}

// answer and refuse answer a request, once everything that the answer may rest on is confirmed.
func (m *Machine) answer(ticket uint64, answer any) {
	m.outbox.Reply(Reply{Ticket: ticket, Answer: answer})
}

func (m *Machine) refuse(ticket uint64, code int16) {
	m.outbox.Reply(Reply{Ticket: ticket, Code: code})
}

func (m *Machine) append(records ...Record) { m.outbox.Append(m.cfg.MaxAppendBytes, records...) }

// create makes a group in memory; a record makes it last.
func (m *Machine) create(id string) *group {
	g := newGroup(id)
	g.since = m.now
	m.groups[id] = g
	return g
}

// dropIfUnused forgets a group that holds nothing that anybody could ask for.
func (m *Machine) dropIfUnused(g *group) {
	if g.state == Empty && !g.stored && len(g.pending) == 0 && !m.offsets.has(g.id) {
		delete(m.groups, g.id)
	}
}
