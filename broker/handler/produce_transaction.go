package handler

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// produceAbortable is the first version of Produce that knows TRANSACTION_ABORTABLE, produceAdds the first one whose client leaves it
	// to the broker to add partitions to the transaction (KIP-890).
	produceAbortable, produceAdds = 11, 12
)

func produceSupport(version int16) support {
	switch {
	case version >= produceAdds:
		return adding
	case version >= produceAbortable:
		return abortable
	default:
		return oldErrors
	}
}

// place is where a partition stands in a request.
type place struct{ topic, partition int }

// admission is what lets a transactional batch into its partition, or says why it may not.
type admission struct {
	guard uint64
	err   error
}

// transactional reports whether a client's batch says that it belongs to a producer's transaction. Whether it is a batch at all is seen later.
func transactional(batch []byte) bool {
	return len(batch) >= record.HeaderSize && record.Batch(batch).Transactional() && record.Batch(batch).ProducerID() >= 0
}

// transaction finds the one producer of the request's transactional batches; ok is false where there are none. As in Apache Kafka, a
// request with batches of several is refused whole.
func (p *producing) transaction() (producer txn.Producer, ok bool, code int16) {
	for i := range p.q.Topics {
		for j := range p.q.Topics[i].Partitions {
			raw := p.q.Topics[i].Partitions[j].Records
			if !transactional(raw) {
				continue
			}
			b := record.Batch(raw)
			this := txn.Producer{ID: b.ProducerID(), Epoch: b.ProducerEpoch()}
			if ok && this != producer {
				return producer, true, wire.InvalidProducerIDMapping
			}
			producer, ok = this, true
		}
	}
	if ok && (p.q.TransactionID == nil || !p.call.Granted.Has(authz.Write, authz.TransactionalID, *p.q.TransactionID)) {
		return producer, true, wire.TransactionalIDAuthorizationFailed
	}
	return producer, ok, wire.None
}

// verify has the transaction's coordinator verify each partition in which the transaction has no batch yet. It waits for that: later
// batches of the connection can not overtake.
func (p *producing) verify(ctx context.Context, producer txn.Producer) {
	s := produceSupport(p.q.Version)
	p.admissions = map[place]admission{}
	var parts []txn.TopicPartition
	var places []place
	for i := range p.q.Topics {
		for j := range p.q.Topics[i].Partitions {
			at, from := place{i, j}, &p.q.Topics[i].Partitions[j]
			if !transactional(from.Records) {
				continue
			}
			a, needed := p.startVerification(&p.q.Topics[i], p.names[i], from, s)
			p.admissions[at] = a
			if needed {
				parts = append(parts, txn.TopicPartition{Topic: p.names[i], Partition: from.Partition})
				places = append(places, at)
			}
		}
	}
	if len(parts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.q.TimeoutMillis)*time.Millisecond)
	defer cancel()
	for i, err := range p.records.Verification.ensure(ctx, *p.q.TransactionID, producer, parts, s) {
		if err != nil {
			p.admissions[places[i]] = admission{err: err}
		}
	}
}

// startVerification begins to let a batch in, and reports whether the coordinator is to be asked: not within a transaction that is open,
// unless it may be the one before (see storage.Log's StartVerification).
func (p *producing) startVerification(t *kmsg.ProduceRequestTopic, name string, from *kmsg.ProduceRequestTopicPartition, s support) (a admission, needed bool) {
	part, err := p.find(t, name, from)
	if err != nil {
		return admission{err: err}, false
	}
	b := record.Batch(from.Records)
	guard, err := part.StartVerification(b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), s == adding)
	return admission{guard: guard, err: err}, guard != 0
}
