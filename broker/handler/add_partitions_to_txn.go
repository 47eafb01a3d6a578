package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// addByBroker is the first version of AddPartitionsToTxn that brokers send, with several transactions (KIP-890).
const addByBroker = 4

// addPartitionsToTxn is API 24, versions 0-5: clients send versions up to 3, brokers the later ones.
func (t *Transactions) addPartitionsToTxn() api.Row {
	return api.Spec[*kmsg.AddPartitionsToTxnRequest, *meta.Image]{
		Row:     api.Row{Key: 24, Name: "AddPartitionsToTxn", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: transactionFrame},
		Resolve: func(*api.Call, *kmsg.AddPartitionsToTxnRequest) *meta.Image { return t.image() },
		Needs: func(_ *api.Call, q *kmsg.AddPartitionsToTxnRequest, _ *meta.Image) authz.Needs {
			if q.Version >= addByBroker {
				return authz.Needs{All: []authz.Need{{Op: authz.ClusterAction, On: authz.TheCluster()}}}
			}
			needs := authz.Needs{All: []authz.Need{onTransaction(authz.Write, q.TransactionalID)}}
			for i := range q.Topics {
				needs.Each = append(needs.Each, need(authz.Write, authz.Topic, q.Topics[i].Topic))
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.AddPartitionsToTxnRequest, code int16) kmsg.Response {
			return refuseAddition(q, code)
		},
		Handle: t.addPartitions,
	}.Build()
}

// refuseAddition refuses a request whole: clients are told for each partition.
func refuseAddition(q *kmsg.AddPartitionsToTxnRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.AddPartitionsToTxnResponse)
	if q.Version >= addByBroker {
		resp.ErrorCode = code
		return resp
	}
	one := clientAddition(q)
	one.fail(code)
	resp.Topics = one.clientTopics()
	return resp
}

func (t *Transactions) addPartitions(ctx context.Context, c *api.Call, q *kmsg.AddPartitionsToTxnRequest, image *meta.Image) api.Answer {
	resp := q.ResponseKind().(*kmsg.AddPartitionsToTxnResponse)
	if q.Version < addByBroker {
		one := clientAddition(q)
		if one.admit(image, func(topic string) bool {
			return c.Granted.Has(authz.Write, authz.Topic, topic) && !isInternal(image, topic)
		}) {
			code := addToTxn(ctx, t.Coordinator, txn.Add{TransactionalID: one.id, Producer: one.producer, Partitions: one.partitions})
			one.fail(toldFenced(code, q.Version, fencedByEpoch))
		}
		resp.Topics = one.clientTopics()
		return api.Now(resp)
	}
	for i := range q.Transactions {
		one := brokerAddition(&q.Transactions[i])
		if one.admit(image, func(topic string) bool { return topic == group.Topic || !isInternal(image, topic) }) {
			one.codes = LocalVerifier{t.Coordinator}.Ensure(ctx, one.id, one.producer, one.partitions, !q.Transactions[i].VerifyOnly)
		}
		resp.Transactions = append(resp.Transactions, one.brokerResult())
	}
	return api.Now(resp)
}

// isInternal reports whether a topic is written by the broker alone.
func isInternal(image *meta.Image, name string) bool {
	topic := image.Topic(name)
	return topic != nil && topic.Internal
}

// addition is one transaction of a request, and a code for each of its partitions.
type addition struct {
	id         string
	producer   txn.Producer
	partitions []txn.TopicPartition
	codes      []int16
}

func (a *addition) add(topic string, partitions []int32) {
	for _, p := range partitions {
		a.partitions = append(a.partitions, txn.TopicPartition{Topic: topic, Partition: p})
		a.codes = append(a.codes, wire.None)
	}
}

func clientAddition(q *kmsg.AddPartitionsToTxnRequest) addition {
	a := addition{id: q.TransactionalID, producer: txn.Producer{ID: q.ProducerID, Epoch: q.ProducerEpoch}}
	for i := range q.Topics {
		a.add(q.Topics[i].Topic, q.Topics[i].Partitions)
	}
	return a
}

func brokerAddition(q *kmsg.AddPartitionsToTxnRequestTransaction) addition {
	a := addition{id: q.TransactionalID, producer: txn.Producer{ID: q.ProducerID, Epoch: q.ProducerEpoch}}
	for i := range q.Topics {
		a.add(q.Topics[i].Topic, q.Topics[i].Partitions)
	}
	return a
}

// admit reports whether every partition may be added. If not, none is: those without a fault of their own are not attempted.
func (a *addition) admit(image *meta.Image, allowed func(topic string) bool) bool {
	admitted := true
	for i, p := range a.partitions {
		topic := image.Topic(p.Topic)
		switch {
		case !allowed(p.Topic):
			a.codes[i] = wire.TopicAuthorizationFailed
		case topic == nil || p.Partition < 0 || int(p.Partition) >= len(topic.Partitions):
			a.codes[i] = wire.UnknownTopicOrPartition
		default:
			continue
		}
		admitted = false
	}
	for i := range a.codes {
		if !admitted && a.codes[i] == wire.None {
			a.codes[i] = wire.OperationNotAttempted
		}
	}
	return admitted
}

// fail gives all partitions one code.
func (a *addition) fail(code int16) {
	for i := range a.codes {
		a.codes[i] = code
	}
}

func (a *addition) clientTopics() []kmsg.AddPartitionsToTxnResponseTopic {
	var topics []kmsg.AddPartitionsToTxnResponseTopic
	for i, p := range a.partitions {
		if len(topics) == 0 || topics[len(topics)-1].Topic != p.Topic {
			topic := kmsg.NewAddPartitionsToTxnResponseTopic()
			topic.Topic = p.Topic
			topics = append(topics, topic)
		}
		one := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
		one.Partition, one.ErrorCode = p.Partition, a.codes[i]
		last := &topics[len(topics)-1]
		last.Partitions = append(last.Partitions, one)
	}
	return topics
}

func (a *addition) brokerResult() kmsg.AddPartitionsToTxnResponseTransaction {
	out := kmsg.NewAddPartitionsToTxnResponseTransaction()
	out.TransactionalID = a.id
	for i, p := range a.partitions {
		if len(out.Topics) == 0 || out.Topics[len(out.Topics)-1].Topic != p.Topic {
			topic := kmsg.NewAddPartitionsToTxnResponseTransactionTopic()
			topic.Topic = p.Topic
			out.Topics = append(out.Topics, topic)
		}
		one := kmsg.NewAddPartitionsToTxnResponseTransactionTopicPartition()
		one.Partition, one.ErrorCode = p.Partition, a.codes[i]
		last := &out.Topics[len(out.Topics)-1]
		last.Partitions = append(last.Partitions, one)
	}
	return out
}
