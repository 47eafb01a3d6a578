package txn

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func (m *Machine) describe(ticket uint64, q Describe) {
	r := kmsg.NewDescribeTransactionsResponseTransactionState()
	r.TransactionalID = q.TransactionalID
	t := m.transactions[q.TransactionalID]
	switch {
	case q.TransactionalID == "":
		r.ErrorCode = wire.InvalidRequest
	case t == nil:
		r.ErrorCode = wire.TransactionalIDNotFound
	default:
		r.State, r.TimeoutMillis, r.StartTimestamp = t.state.String(), t.timeoutMillis, t.startMillis
		r.ProducerID, r.ProducerEpoch = t.producer.ID, t.producer.Epoch
		for _, topic := range t.topics() {
			one := kmsg.NewDescribeTransactionsResponseTransactionStateTopic()
			one.Topic, one.Partitions = topic.Topic, topic.Partitions
			r.Topics = append(r.Topics, one)
		}
	}
	m.answer(ticket, &r)
}

func (m *Machine) list(ticket uint64, q List) {
	var list []kmsg.ListTransactionsResponseTransactionState
	for _, id := range sortedKeys(m.transactions) {
		t := m.transactions[id]
		if !q.includes(t, m.now.UnixMilli()) {
			continue
		}
		one := kmsg.NewListTransactionsResponseTransactionState()
		one.TransactionalID, one.ProducerID, one.TransactionState = id, t.producer.ID, t.state.String()
		list = append(list, one)
	}
	m.answer(ticket, list)
}

func (q List) includes(t *transaction, nowMillis int64) bool {
	switch {
	case len(q.ProducerIDs) > 0 && !slices.Contains(q.ProducerIDs, t.producer.ID):
		return false
	case len(q.States) > 0 && !slices.Contains(q.States, t.state.String()):
		return false
	default:
		return q.DurationMillis < 0 || nowMillis-t.startMillis > q.DurationMillis
	}
}
