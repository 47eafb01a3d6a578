package handler

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describedTransaction is a transactional id as its coordinator tells it, before anybody asks who may see it.
type describedTransaction struct {
	id    string
	state *kmsg.DescribeTransactionsResponseTransactionState
	code  int16
}

// describeTransactions is API 65, version 0 (KIP-664). Of a transaction's topics those are shown that the client may describe.
func (t *Transactions) describeTransactions() api.Row {
	return api.Spec[*kmsg.DescribeTransactionsRequest, []describedTransaction]{
		Row: api.Row{Key: 65, Name: "DescribeTransactions", Min: 0, Max: 0, Gate: api.Authenticated, MaxBytes: groupFrame, Recheck: true},
		Resolve: func(_ *api.Call, q *kmsg.DescribeTransactionsRequest) []describedTransaction {
			return t.describeEach(distinct(q.TransactionalIDs))
		},
		Needs: func(_ *api.Call, _ *kmsg.DescribeTransactionsRequest, all []describedTransaction) authz.Needs {
			var needs authz.Needs
			for i := range all {
				needs.Each = append(needs.Each, onTransaction(authz.Describe, all[i].id))
				if all[i].state == nil {
					continue
				}
				for j := range all[i].state.Topics {
					needs.Each = append(needs.Each, probe(authz.Describe, authz.Topic, all[i].state.Topics[j].Topic))
				}
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeTransactionsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.DescribeTransactionsResponse)
			for _, id := range distinct(q.TransactionalIDs) {
				resp.TransactionStates = append(resp.TransactionStates, undescribedTransaction(id, code))
			}
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.DescribeTransactionsRequest, all []describedTransaction) api.Answer {
			resp := q.ResponseKind().(*kmsg.DescribeTransactionsResponse)
			for i := range all {
				resp.TransactionStates = append(resp.TransactionStates, all[i].shownTo(c.Granted))
			}
			return api.Now(resp)
		},
	}.Build()
}

func (t *Transactions) describeEach(ids []string) []describedTransaction {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	waits := make([]waiting, len(ids))
	for i, id := range ids {
		waits[i] = t.Coordinator.SendTxn(ctx, id, txn.Describe{TransactionalID: id})
	}
	all := make([]describedTransaction, len(ids))
	for i, id := range ids {
		state, code := awaitAnswer[*kmsg.DescribeTransactionsResponseTransactionState](ctx, waits[i])
		all[i] = describedTransaction{id: id, state: state, code: code}
	}
	return all
}

func (d *describedTransaction) shownTo(granted *authz.Granted) kmsg.DescribeTransactionsResponseTransactionState {
	switch {
	case !granted.Has(authz.Describe, authz.TransactionalID, d.id):
		return undescribedTransaction(d.id, wire.TransactionalIDAuthorizationFailed)
	case d.state == nil:
		return undescribedTransaction(d.id, d.code)
	}
	shown := *d.state
	shown.Topics = slices.DeleteFunc(slices.Clone(d.state.Topics), func(topic kmsg.DescribeTransactionsResponseTransactionStateTopic) bool {
		return !granted.Has(authz.Describe, authz.Topic, topic.Topic)
	})
	return shown
}

func undescribedTransaction(id string, code int16) kmsg.DescribeTransactionsResponseTransactionState {
	one := kmsg.NewDescribeTransactionsResponseTransactionState()
	one.TransactionalID, one.ErrorCode = id, code
	return one
}
