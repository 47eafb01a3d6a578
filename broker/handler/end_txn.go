package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// endBumps is the first version of EndTxn that bumps the producer's epoch (KIP-890).
const endBumps = 5

// endTxn is API 26, versions 0-5. It is answered when the decision is in the log; markers follow.
func (t *Transactions) endTxn() api.Row {
	return api.Spec[*kmsg.EndTxnRequest, struct{}]{
		Row: api.Row{Key: 26, Name: "EndTxn", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: entryBody},
		Needs: func(_ *api.Call, q *kmsg.EndTxnRequest, _ struct{}) authz.Needs {
			return authz.Needs{All: []authz.Need{onTransaction(authz.Write, q.TransactionalID)}}
		},
		Refuse: func(_ *api.Call, q *kmsg.EndTxnRequest, code int16) kmsg.Response {
			return endAnswer(q, noProducer(), code)
		},
		Handle: func(ctx context.Context, _ *api.Call, q *kmsg.EndTxnRequest, _ struct{}) api.Answer {
			end := txn.End{
				TransactionalID: q.TransactionalID, Producer: txn.Producer{ID: q.ProducerID, Epoch: q.ProducerEpoch}, Commit: q.Commit,
			}
			if q.Version >= endBumps {
				end.Level = addsLevel
			}
			p, code := askTxn[txn.Producer](ctx, t.Coordinator, q.TransactionalID, end)
			return api.Now(endAnswer(q, p, toldFenced(code, q.Version, fencedByEpoch)))
		},
	}.Build()
}

func endAnswer(q *kmsg.EndTxnRequest, p txn.Producer, code int16) kmsg.Response {
	if code != wire.None {
		p = noProducer()
	}
	resp := q.ResponseKind().(*kmsg.EndTxnResponse)
	resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = code, p.ID, p.Epoch
	return resp
}
