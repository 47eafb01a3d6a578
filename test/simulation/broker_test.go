package simulation

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// broker is one life of the broker, from a start to a crash.
type broker struct {
	w     *world
	epoch int32
	// hosts are the coordinators of transactions, by partition, groups is that of the groups.
	hosts  []*host
	groups *host
}

func (w *world) startBroker() {
	w.epoch++
	b := &broker{w: w, epoch: w.epoch}
	w.broker = b
	if err := w.disk.open(); err != nil {
		w.breaks("start: %v", err)
		w.broker, w.queue = nil, queue{} // nothing happens any more
		return
	}
	for p := range w.draw.partitions {
		b.hosts = append(b.hosts, &host{w: w, broker: b, at: txn.TopicPartition{Topic: txn.Topic, Partition: p}, make: b.newTransactions})
	}
	b.groups = &host{w: w, broker: b, at: offsetsPartition, make: b.newGroups}
	for _, h := range b.coordinators() {
		h.load()
	}
}

func (b *broker) coordinators() []*host { return append(slices.Clone(b.hosts), b.groups) }

// crash ends the broker's life, and begins another one a while later.
func (w *world) crash() {
	if w.broker == nil {
		return
	}
	for _, h := range w.broker.coordinators() {
		h.machine = nil
	}
	w.broker = nil
	w.disk.crash()
	w.after(w.upTo(300*time.Millisecond), w.startBroker)
}

// finalize changes the transaction.version. Transactions that are open go on, and clients that are there use what they did.
func (w *world) finalize(level int16) {
	w.level = level
	if w.broker == nil {
		return
	}
	for _, h := range w.broker.hosts {
		h.ask(func(ticket uint64) coordinator.Event {
			return coordinator.Asked[txn.Request]{Ticket: ticket, Request: txn.SetLevel{Level: level}}
		}, func(int16, any) {})
	}
}

// ask hands a request to the coordinator of a transactional id. What comes back comes back in this life or never.
func (b *broker) ask(id string, q txn.Request, reply func(code int16, value any)) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(id))
	b.hosts[int(hash.Sum32())%len(b.hosts)].ask(func(ticket uint64) coordinator.Event {
		return coordinator.Asked[txn.Request]{Ticket: ticket, Request: q}
	}, reply)
}

// produce carries out a Produce of one record in a transaction.
func (b *broker) produce(c *producing, reply func(answer)) {
	b.ensure(c, c.at, reply, func(guard uint64) {
		b.later(func() { b.w.disk.partition(c.at).produce(c, guard, reply) })
	})
}

// ensure asks the coordinator, unless the partition knows of the transaction, and goes on if the partition is part of it.
func (b *broker) ensure(c *producing, at txn.TopicPartition, reply func(answer), then func(guard uint64)) {
	guard, code := b.w.disk.partition(at).verify(c)
	if code != wire.None {
		reply(answer{code: code})
		return
	}
	if guard == 0 {
		then(0)
		return
	}
	partitions := []txn.TopicPartition{at}
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
		then(guard)
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
