package simulation

import (
	"hash/fnv"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// broker is one life of the broker, from a start to a crash.
type broker struct {
	w     *world
	epoch int32
	hosts []*host
}

func (w *world) startBroker() {
	w.epoch++
	w.broker = &broker{w: w, epoch: w.epoch}
	for p := range w.draw.partitions {
		h := &host{w: w, broker: w.broker, log: w.logs[txn.TopicPartition{Topic: txn.Topic, Partition: p}]}
		w.broker.hosts = append(w.broker.hosts, h)
		h.load()
	}
}

// crash ends the broker's life, and begins another one a while later.
func (w *world) crash() {
	if w.broker == nil {
		return
	}
	for _, h := range w.broker.hosts {
		h.machine = nil
	}
	w.broker = nil
	for i := range accounts {
		w.logs[account(i)].crash()
	}
	for p := range w.draw.partitions {
		w.logs[txn.TopicPartition{Topic: txn.Topic, Partition: p}].crash()
	}
	w.after(w.upTo(300*time.Millisecond), w.startBroker)
}

// ask hands a request to the coordinator of a transactional id. What comes back comes back in this life or never.
func (b *broker) ask(id string, q txn.Request, reply func(code int16, value any)) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(id))
	b.hosts[int(hash.Sum32())%len(b.hosts)].ask(q, reply)
}

// produce carries out a Produce of one record in a transaction: unless the partition knows of the transaction, its coordinator is asked first.
func (b *broker) produce(c *producing, reply func(answer)) {
	l := b.w.logs[c.at]
	guard, code := l.verify(c.producer)
	if guard == 0 {
		if code != wire.None {
			reply(answer{code: code})
			return
		}
		l.produce(c.producer, c.sequence, c.value, 0, reply)
		return
	}
	partitions := []txn.TopicPartition{c.at}
	var q txn.Request = txn.Verify{TransactionalID: c.id, Producer: c.producer, Partitions: partitions}
	if c.level >= 2 {
		q = txn.Add{TransactionalID: c.id, Producer: c.producer, Partitions: partitions, Level: c.level}
	}
	b.ask(c.id, q, func(code int16, value any) {
		if codes, ok := value.([]int16); ok && code == wire.None {
			code = codes[0]
		}
		if code = produceCode(code); code != wire.None {
			reply(answer{code: code})
			return
		}
		b.later(func() { l.produce(c.producer, c.sequence, c.value, guard, reply) })
	})
}

// later goes on at once, or after a pause, as a thread does that has to wait for a processor, unless the broker's life ends before.
func (b *broker) later(run func()) {
	if !b.w.trouble(20) {
		run()
		return
	}
	b.w.after(b.w.upTo(time.Second), func() {
		if b.w.broker == b {
			run()
		}
	})
}

// produceCode is what a producer is told of why its partition is not known to be in the transaction.
func produceCode(code int16) int16 {
	switch code {
	case wire.ProducerFenced:
		return wire.InvalidProducerEpoch
	case wire.CoordinatorLoadInProgress, wire.CoordinatorNotAvailable, wire.NotCoordinator, wire.ConcurrentTransactions:
		return wire.NotEnoughReplicas
	default:
		return code
	}
}

// host runs a coordinator's machine.
type host struct {
	w       *world
	broker  *broker
	log     *log
	machine *txn.Machine
	tickets map[uint64]func(int16, any)
	ticket  uint64
	wakes   int
}

// load makes the machine anew, as after a start or a failed append.
func (h *host) load() {
	m := txn.New(txn.Config{
		MaxTimeout: time.Minute, AbortInterval: abortInterval, IDExpiration: h.w.draw.expiry, ExpiryInterval: time.Second,
		MarkerRetryMin: 10 * time.Millisecond, MarkerRetryMax: 200 * time.Millisecond, MaxAppendBytes: 4096,
	}, h.broker.epoch, h.w.draw.level)
	for i := range h.log.entries {
		if err := m.Replay(h.log.entries[i].record); err != nil {
			h.w.breaks("replay %v: %v", h.log.at, err)
		}
	}
	h.machine, h.tickets, h.wakes = m, map[uint64]func(int16, any){}, h.wakes+1
	h.step(m, coordinator.Loaded{})
}

func (h *host) ask(q txn.Request, reply func(int16, any)) {
	if h.machine == nil {
		reply(wire.CoordinatorLoadInProgress, nil)
		return
	}
	h.ticket++
	h.tickets[h.ticket] = reply
	h.step(h.machine, coordinator.Asked[txn.Request]{Ticket: h.ticket, Request: q})
}

// step has a machine take a step, if it is still the one at work, which its own effects may change.
func (h *host) step(m *txn.Machine, ev coordinator.Event) {
	if h.machine != m {
		return
	}
	for _, e := range m.Step(ev, h.w.now) {
		if h.machine != m {
			return
		}
		switch e := e.(type) {
		case coordinator.Append:
			h.append(m, e)
		case coordinator.Reply:
			h.reply(e)
		case coordinator.WakeAt:
			h.wakeAt(m, e.At)
		case coordinator.Call:
			h.call(m, e)
		}
	}
}

func (h *host) reply(r coordinator.Reply) {
	back := h.tickets[r.Ticket]
	if back == nil {
		h.w.breaks("ticket %d is answered that is not open", r.Ticket)
		return
	}
	delete(h.tickets, r.Ticket)
	owner := h.broker
	h.w.after(0, func() {
		if h.w.broker == owner {
			back(r.Code, r.Answer)
		}
	})
}

func (h *host) wakeAt(m *txn.Machine, at time.Time) {
	h.wakes++
	wake := h.wakes
	if at.IsZero() || h.w.faults.neverWakes {
		return
	}
	h.w.after(max(at.Sub(h.w.now), 1), func() {
		if h.wakes == wake {
			h.step(m, coordinator.Woken{})
		}
	})
}

// append writes what the machine wants written, or ends the machine's life or the broker's, before or after.
func (h *host) append(m *txn.Machine, a coordinator.Append) {
	fails, crashes := h.w.trouble(h.w.draw.crash), h.w.trouble(h.w.draw.crash)
	if written := !fails && !crashes || h.w.oneIn(2); written {
		var entries []entry
		for _, r := range a.Records {
			entries = append(entries, entry{record: r, producer: txn.Producer{ID: -1}, sequence: -1})
		}
		h.log.append(func() { h.step(m, coordinator.Appended{Seq: a.Seq}) }, entries...)
	}
	switch {
	case crashes:
		h.w.crash()
	case fails:
		h.fail(m)
	}
}

// fail has the machine end because an append has failed, and loads another one when nothing of it is under way any more: what its calls
// have not done by now, they never do.
func (h *host) fail(m *txn.Machine) {
	for _, e := range m.Step(coordinator.Failed{Code: wire.NotCoordinator}, h.w.now) {
		if r, ok := e.(coordinator.Reply); ok {
			h.reply(r)
		}
	}
	h.machine = nil
	h.w.after(h.w.upTo(20*time.Millisecond), func() {
		if h.w.broker == h.broker {
			h.load()
		}
	})
}
