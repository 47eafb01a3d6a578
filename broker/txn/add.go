package txn

import (
	"fmt"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// add answers when the partitions are in the log: a batch that is written before would belong to a transaction that nobody ends.
func (m *Machine) add(q Add) int16 {
	t := m.transactions[q.TransactionalID]
	switch {
	case q.TransactionalID == "":
		return wire.InvalidRequest
	case t == nil:
		return wire.InvalidProducerIDMapping
	case m.busy(t.id):
		return wire.ConcurrentTransactions
	case t.producer.ID != q.Producer.ID:
		return wire.InvalidProducerIDMapping
	case t.producer.Epoch != q.Producer.Epoch:
		return wire.ProducerFenced
	case t.state == Ongoing && t.hasAll(q.Partitions):
		return wire.None
	}
	all := union(t.partitions, q.Partitions)
	if size := maxRecordSize(t.id, all); size > m.cfg.MaxAppendBytes {
		m.outbox.Trouble(t.id, fmt.Errorf("store %d partitions: %w", len(all), coordinator.TooLarge(Topic, size, m.cfg.MaxAppendBytes)))
		return wire.UnknownServerError
	}
	if t.state != Ongoing {
		t.startMillis, t.began = m.now.UnixMilli(), m.now
	}
	t.enter(Ongoing, m.now)
	t.level = q.Level
	for _, p := range q.Partitions {
		t.partitions[p] = struct{}{}
	}
	m.store(t)
	return wire.None
}

// union is what the set would be with more partitions.
func union(have map[TopicPartition]struct{}, more []TopicPartition) map[TopicPartition]struct{} {
	all := make(map[TopicPartition]struct{}, len(have)+len(more))
	for p := range have {
		all[p] = struct{}{}
	}
	for _, p := range more {
		all[p] = struct{}{}
	}
	return all
}

func (m *Machine) verify(ticket uint64, q Verify) {
	t := m.transactions[q.TransactionalID]
	switch {
	case q.TransactionalID == "":
		m.refuse(ticket, wire.InvalidRequest)
	case t == nil || t.producer.ID != q.Producer.ID:
		m.refuse(ticket, wire.InvalidProducerIDMapping)
	case t.producer.Epoch != q.Producer.Epoch:
		m.refuse(ticket, wire.ProducerFenced)
	case t.state.decided():
		m.refuse(ticket, wire.ConcurrentTransactions)
	default:
		m.answer(ticket, t.verified(q.Partitions))
	}
}

func (t *transaction) verified(partitions []TopicPartition) []int16 {
	codes := make([]int16, len(partitions))
	for i, p := range partitions {
		if !t.has(p) {
			codes[i] = wire.TransactionAbortable
		}
	}
	return codes
}
