package handler

import (
	"context"
	"fmt"
	"regexp"
	"slices"
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

// transactionPatternField is the field of a ListTransactions request that has a regular expression.
const transactionPatternField = "TransactionalIdPattern"

// listedTransactions are the transactional ids that are here, before anybody asks who may see them.
type listedTransactions struct {
	states []transactionState
	code   int16
	// pattern is what the ids are to match; nil for any.
	pattern *regexp.Regexp
	// bad says why there is no pattern though the client sent one.
	bad error
}

type transactionState = kmsg.ListTransactionsResponseTransactionState

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
			return api.Now(t.visibleTransactions(c, q, all))
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
	var all listedTransactions
	if q.Version >= listByPattern && q.TransactionalIDPattern != nil && *q.TransactionalIDPattern != "" {
		if all.pattern, all.bad = compileWhole(transactionPatternField, *q.TransactionalIDPattern); all.bad != nil {
			return all
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	all.states, all.code = gather[transactionState](ctx, t.Coordinator.SendEach(ctx, list))
	return all
}

// visibleTransactions shows what the client may see and has asked for. Only ids that it may see are compared with its pattern.
func (t *Transactions) visibleTransactions(c *api.Call, q *kmsg.ListTransactionsRequest, all listedTransactions) *kmsg.ListTransactionsResponse {
	resp := q.ResponseKind().(*kmsg.ListTransactionsResponse)
	if resp.ErrorCode = all.code; all.code != wire.None {
		return resp
	}
	for _, name := range q.StateFilters {
		if !txn.KnownState(name) {
			resp.UnknownStateFilters = append(resp.UnknownStateFilters, name)
		}
	}
	visible := slices.DeleteFunc(all.states, func(one transactionState) bool {
		return !c.Granted.Has(authz.Describe, authz.TransactionalID, one.TransactionalID)
	})
	err := all.bad
	if all.pattern != nil {
		visible, err = matchingIDs(all.pattern, visible, time.Now().Add(regexTime))
	}
	if err != nil {
		t.RefusedRegex(c, err)
		resp.ErrorCode = wire.CodeOf(err)
		return resp
	}
	resp.TransactionStates = visible
	return resp
}

// matchingIDs keeps the ids that a pattern matches as a whole, if they are compared by the end. This is not for the coordinators, which do
// nothing else meanwhile.
func matchingIDs(pattern *regexp.Regexp, states []transactionState, end time.Time) ([]transactionState, error) {
	kept := states[:0]
	for i := range states {
		if time.Now().After(end) {
			why := fmt.Sprintf("the ids can not be compared with it within %s", regexTime)
			return nil, badRegex(transactionPatternField, pattern.String(), why)
		}
		if pattern.MatchString(states[i].TransactionalID) {
			kept = append(kept, states[i])
		}
	}
	return kept, nil
}
