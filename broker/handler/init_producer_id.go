package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// entryBody caps requests that carry a few fields, in bytes.
const entryBody = 64 << 10

// initFenced is the first version of InitProducerId that knows PRODUCER_FENCED.
const initFenced = 4

// initProducerID is API 22, versions 0-5: a new id for an idempotent producer, and the next epoch for a transactional one.
func (t *Transactions) initProducerID() api.Row {
	return api.Spec[*kmsg.InitProducerIDRequest, struct{}]{
		Row: api.Row{Key: 22, Name: "InitProducerId", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: entryBody},
		Needs: func(_ *api.Call, q *kmsg.InitProducerIDRequest, _ struct{}) authz.Needs {
			if q.TransactionalID != nil {
				return authz.Needs{All: []authz.Need{onTransaction(authz.Write, *q.TransactionalID)}}
			}
			return authz.Needs{Any: []authz.Need{
				{Op: authz.IdempotentWrite, On: authz.TheCluster()},
				{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true},
			}}
		},
		Refuse: func(_ *api.Call, q *kmsg.InitProducerIDRequest, code int16) kmsg.Response {
			return producerIDAnswer(q, noProducer(), code)
		},
		Handle: func(ctx context.Context, _ *api.Call, q *kmsg.InitProducerIDRequest, _ struct{}) api.Answer {
			if q.TransactionalID != nil {
				return api.Now(t.initTransactional(ctx, q))
			}
			id, err := t.ProducerIDs.Next(ctx)
			if err != nil {
				return api.Now(producerIDAnswer(q, noProducer(), wire.CodeOf(err)))
			}
			return api.Now(producerIDAnswer(q, txn.Producer{ID: id}, wire.None))
		},
	}.Build()
}

func (t *Transactions) initTransactional(ctx context.Context, q *kmsg.InitProducerIDRequest) kmsg.Response {
	if t.image().Topic(txn.Topic) == nil {
		t.Groups.CreateTopic(txn.Topic)
		return producerIDAnswer(q, noProducer(), wire.CoordinatorNotAvailable)
	}
	p, code := askTxn[txn.Producer](ctx, t.Coordinator, *q.TransactionalID, txn.Init{
		TransactionalID: *q.TransactionalID, TimeoutMillis: q.TransactionTimeoutMillis,
		Expected: txn.Producer{ID: q.ProducerID, Epoch: q.ProducerEpoch},
	})
	return producerIDAnswer(q, p, toldFenced(code, q.Version, initFenced))
}

// noProducer is what an answer says where there is no producer.
func noProducer() txn.Producer { return txn.Producer{ID: -1, Epoch: -1} }

func producerIDAnswer(q *kmsg.InitProducerIDRequest, p txn.Producer, code int16) kmsg.Response {
	if code != wire.None {
		p = noProducer()
	}
	resp := q.ResponseKind().(*kmsg.InitProducerIDResponse)
	resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = code, p.ID, p.Epoch
	return resp
}
