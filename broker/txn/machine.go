package txn

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Config holds the limits and times of transactions, under the names of Apache Kafka's configuration.
type Config struct {
	// MaxTimeout is the longest time-out that a producer may ask for (transaction.max.timeout.ms).
	MaxTimeout time.Duration
	// AbortInterval is how often transactions that run for too long are looked for
	// (transaction.abort.timed.out.transaction.cleanup.interval.ms).
	AbortInterval time.Duration
	// IDExpiration is how long a transactional id outlives its use (transactional.id.expiration.ms).
	IDExpiration time.Duration
	// ExpiryInterval is how often ids that are to expire are looked for (transaction.remove.expired.transaction.cleanup.interval.ms).
	ExpiryInterval time.Duration
	// MarkerRetryMin and MarkerRetryMax bound the pause before markers that could not be written are sent again; it doubles.
	MarkerRetryMin, MarkerRetryMax time.Duration
	// MaxAppendBytes bounds the records of one Append; with a batch header of 61 bytes it has to fit the max.message.bytes of Topic.
	MaxAppendBytes int
}

// Machine coordinates the transactional ids of one partition of __transaction_state.
type Machine struct {
	cfg Config
	// coordinatorEpoch is the leader epoch of the partition; markers carry it.
	coordinatorEpoch int32
	// level is the finalized transaction.version.
	level        int16
	transactions map[string]*transaction
	schedule     schedule

	// wants are the calls for producer ids, awaited the transactional ids that wait for one.
	wants   map[uint64]want
	awaited map[string]struct{}
	// sending says whose markers a call sends.
	sending map[uint64]*transaction
	// prepared are decisions that are not yet confirmed, in the order of their appends.
	prepared []prepared

	now    time.Time
	outbox coordinator.Outbox
	dead   bool
}

// New returns a machine without transactions, to which the log is to be replayed. The coordinator's epoch is the leader epoch of its
// partition; the level is the finalized transaction.version.
func New(cfg Config, coordinatorEpoch int32, level int16) *Machine {
	m := &Machine{cfg: cfg, coordinatorEpoch: coordinatorEpoch, level: level}
	m.clear()
	return m
}

func (m *Machine) clear() {
	m.transactions, m.schedule, m.prepared = map[string]*transaction{}, schedule{}, nil
	m.wants, m.awaited, m.sending = map[uint64]want{}, map[string]struct{}{}, map[uint64]*transaction{}
}

// Step takes one event at the time now and returns what is to be done, in order.
func (m *Machine) Step(ev Event, now time.Time) []Effect {
	m.now = now
	switch ev := ev.(type) {
	case Loaded:
		m.loaded()
	case Asked:
		m.asked(ev)
	case Appended:
		m.outbox.Confirm(ev.Seq)
		m.sendPrepared()
	case Failed:
		m.failed(ev.Code)
	case Woken:
		m.woken()
	case Returned:
		m.returned(ev)
	}
	return m.outbox.Take(m.schedule.next())
}

// loaded lets the time of transactions go on, and sends the markers of what was decided before: nobody else knows of them.
func (m *Machine) loaded() {
	m.schedule.abortAt = m.now.Add(m.cfg.AbortInterval)
	m.schedule.expiryAt = m.now.Add(m.cfg.ExpiryInterval)
	for _, id := range sortedKeys(m.transactions) {
		t := m.transactions[id]
		t.goesOn(m.now)
		if t.state.decided() {
			m.send(t)
		}
	}
}

func (m *Machine) asked(ev Asked) {
	if m.dead {
		m.refuse(ev.Ticket, wire.NotCoordinator)
		return
	}
	switch q := ev.Request.(type) {
	case Init:
		m.init(ev.Ticket, q)
	case Add:
		m.refuse(ev.Ticket, m.add(q))
	case Verify:
		m.verify(ev.Ticket, q)
	case End:
		m.end(ev.Ticket, q)
	case Describe:
		m.describe(ev.Ticket, q)
	case List:
		m.list(ev.Ticket, q)
	case SetMaxAppend:
		m.cfg.MaxAppendBytes = q.Bytes
		m.answer(ev.Ticket, nil)
	case Count:
		m.count(ev.Ticket)
	case SetLevel:
		m.level = q.Level
		m.answer(ev.Ticket, nil)
	default:
		m.refuse(ev.Ticket, wire.UnknownServerError)
	}
}

func (m *Machine) failed(code int16) {
	m.dead = true
	m.outbox.Fail(code)
	for _, call := range sortedKeys(m.wants) {
		if w := m.wants[call]; w.ticket != 0 {
			m.refuse(w.ticket, wire.NotCoordinator)
		}
	}
	m.clear()
}

func (m *Machine) woken() {
	m.outbox.Woken()
	if m.dead {
		return
	}
	if due(m.schedule.abortAt, m.now, m.cfg.AbortInterval) {
		m.schedule.abortAt = m.now.Add(m.cfg.AbortInterval)
		m.abortOverdue()
	}
	if due(m.schedule.expiryAt, m.now, m.cfg.ExpiryInterval) {
		m.schedule.expiryAt = m.now.Add(m.cfg.ExpiryInterval)
		m.removeExpired()
	}
	for _, t := range m.schedule.takeRetries(m.now, m.cfg.MarkerRetryMax) {
		m.send(t)
	}
}

func (m *Machine) returned(ev Returned) {
	if w, found := m.wants[ev.ID]; found {
		delete(m.wants, ev.ID)
		m.gotProducerID(w, ev.Result)
	}
	if t, found := m.sending[ev.ID]; found {
		delete(m.sending, ev.ID)
		m.marked(t, ev.Result)
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

// store wants a transactional id written as it is now.
func (m *Machine) store(t *transaction) { m.append(t.record(m.level)) }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
