package handler

import (
	"context"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// transactionFilters bounds each filter of a ListTransactions request: every transactional id is compared with it.
	transactionFilters = 1024
	// listByDuration and listByPattern are the first versions that have these filters.
	listByDuration, listByPattern = 1, 2
)

// listedTransactions are the transactional ids that are here, before anybody asks who may see them.
type listedTransactions struct {
	states []kmsg.ListTransactionsResponseTransactionState
	code   int16
}

// listTransactions is API 66, versions 0-2 (KIP-664, KIP-994, KIP-1152). It shows the ids that the client may describe.
func (t *Transactions) listTransactions() api.Row {
	return api.Spec[*kmsg.ListTransactionsRequest, listedTransactions]{
		Row:     api.Row{Key: 66, Name: "ListTransactions", Min: 0, Max: 2, Gate: api.Authenticated, MaxBytes: groupFrame, Recheck: true},
		Resolve: func(_ *api.Call, q *kmsg.ListTransactionsRequest) listedTransactions { return t.allTransactions(q) },
		Needs: func(_ *api.Call, _ *kmsg.ListTransactionsRequest, all listedTransactions) authz.Needs {
			needs := authz.Needs{Each: make([]authz.Need, 0, len(all.states))}
			for i := range all.states {
				needs.Each = append(needs.Each, probe(authz.Describe, authz.TransactionalID, all.states[i].TransactionalID))
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.ListTransactionsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.ListTransactionsResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.ListTransactionsRequest, all listedTransactions) api.Answer {
			resp := q.ResponseKind().(*kmsg.ListTransactionsResponse)
			if resp.ErrorCode = all.code; all.code != wire.None {
				return api.Now(resp)
			}
			for _, name := range q.StateFilters {
				if !txn.KnownState(name) {
					resp.UnknownStateFilters = append(resp.UnknownStateFilters, name)
				}
			}
			for _, one := range all.states {
				if c.Granted.Has(authz.Describe, authz.TransactionalID, one.TransactionalID) {
					resp.TransactionStates = append(resp.TransactionStates, one)
				}
			}
			return api.Now(resp)
		},
	}.Build()
}

// allTransactions asks every coordinator that is here. One that is still being loaded makes the client ask again.
func (t *Transactions) allTransactions(q *kmsg.ListTransactionsRequest) listedTransactions {
	list := txn.List{States: q.StateFilters, ProducerIDs: q.ProducerIDFilters, DurationMillis: -1}
	if len(list.States) > transactionFilters || len(list.ProducerIDs) > transactionFilters {
		return listedTransactions{code: wire.InvalidRequest}
	}
	if q.Version >= listByDuration {
		list.DurationMillis = q.DurationFilterMillis
	}
	pattern := ""
	if q.Version >= listByPattern && q.TransactionalIDPattern != nil {
		pattern = *q.TransactionalIDPattern
	}
	re, why := compileWhole(pattern)
	if why != "" {
		return listedTransactions{code: wire.InvalidRegularExpression}
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	var all listedTransactions
	all.states, all.code = gather[kmsg.ListTransactionsResponseTransactionState](ctx, t.Coordinator.SendEach(ctx, list))
	if pattern == "" || all.code != wire.None {
		return all
	}
	return all.matching(re, time.Now().Add(regexTime))
}

// matching keeps the ids that a pattern matches as a whole, if they are compared by the end. This is not for the coordinators, which do
// nothing else meanwhile.
func (l listedTransactions) matching(re *regexp.Regexp, end time.Time) listedTransactions {
	kept := l.states[:0]
	for i := range l.states {
		if time.Now().After(end) {
			return listedTransactions{code: wire.InvalidRegularExpression}
		}
		if re.MatchString(l.states[i].TransactionalID) {
			kept = append(kept, l.states[i])
		}
	}
	return listedTransactions{states: kept}
}
