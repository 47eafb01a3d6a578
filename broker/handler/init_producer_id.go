package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// entryBody caps requests that carry a few fields, in bytes.
const entryBody = 64 << 10

// initProducerID is API 22, versions 0-5, for idempotent producers: a new id, in epoch 0. Transactional ids need a transaction
// coordinator, which this broker does not list; asking for one is answered UNSUPPORTED_VERSION, which clients do not retry.
func (r *Records) initProducerID() api.Row {
	return api.Spec[*kmsg.InitProducerIDRequest, struct{}]{
		Row: api.Row{Key: 22, Name: "InitProducerId", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: entryBody},
		Needs: func(_ *api.Call, q *kmsg.InitProducerIDRequest, _ struct{}) authz.Needs {
			if q.TransactionalID != nil {
				return authz.Needs{All: []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.TransactionalID, Name: *q.TransactionalID}}}}
			}
			return authz.Needs{Any: []authz.Need{
				{Op: authz.IdempotentWrite, On: authz.TheCluster()},
				{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true},
			}}
		},
		Refuse: func(_ *api.Call, q *kmsg.InitProducerIDRequest, code int16) kmsg.Response {
			return producerIDError(q, code)
		},
		Handle: func(ctx context.Context, _ *api.Call, q *kmsg.InitProducerIDRequest, _ struct{}) api.Answer {
			if q.TransactionalID != nil {
				code := wire.UnsupportedVersion
				if *q.TransactionalID == "" {
					code = wire.InvalidRequest
				}
				return api.Now(producerIDError(q, code))
			}
			id, err := r.ProducerIDs.Next(ctx)
			if err != nil {
				return api.Now(producerIDError(q, wire.CodeOf(err)))
			}
			resp := q.ResponseKind().(*kmsg.InitProducerIDResponse)
			resp.ProducerID, resp.ProducerEpoch = id, 0
			return api.Now(resp)
		},
	}.Build()
}

func producerIDError(q *kmsg.InitProducerIDRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.InitProducerIDResponse)
	resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = code, -1, -1
	return resp
}
