package handler

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// answering is a coordinator that answers everything alike.
type answering struct {
	TxnCoordinator
	answer any
	err    error
}

func (a answering) SendTxn(context.Context, string, txn.Request) func(context.Context) (any, error) {
	return func(context.Context) (any, error) { return a.answer, a.err }
}

// TestOnlyAnAnswerOfTheRightShapeIsConsent: what a coordinator should not answer does not let a batch in.
func TestOnlyAnAnswerOfTheRightShapeIsConsent(t *testing.T) {
	two := []txn.TopicPartition{{Topic: "t"}, {Topic: "t", Partition: 1}}
	const bad = wire.UnknownServerError
	for name, x := range map[string]struct {
		from   answering
		verify []int16
		add    []int16
	}{
		"a code each":             {answering{answer: []int16{wire.None, wire.TransactionAbortable}}, []int16{wire.None, wire.TransactionAbortable}, []int16{bad, bad}},
		"nothing":                 {answering{}, []int16{bad, bad}, []int16{wire.None, wire.None}},
		"too few codes":           {answering{answer: []int16{wire.None}}, []int16{bad, bad}, []int16{bad, bad}},
		"too many codes":          {answering{answer: make([]int16, 3)}, []int16{bad, bad}, []int16{bad, bad}},
		"another type":            {answering{answer: txn.Producer{}}, []int16{bad, bad}, []int16{bad, bad}},
		"an error":                {answering{err: wire.Errorf(wire.ProducerFenced, "fenced")}, []int16{wire.ProducerFenced, wire.ProducerFenced}, []int16{wire.ProducerFenced, wire.ProducerFenced}},
		"an answer with an error": {answering{answer: make([]int16, 2), err: errors.New("broken")}, []int16{bad, bad}, []int16{bad, bad}},
	} {
		t.Run(name, func(t *testing.T) {
			v := LocalVerifier{x.from}
			if got := v.Ensure(t.Context(), "id", txn.Producer{}, two, false); !slices.Equal(got, x.verify) {
				t.Errorf("verified: %v, not %v", got, x.verify)
			}
			if got := v.Ensure(t.Context(), "id", txn.Producer{}, two, true); !slices.Equal(got, x.add) {
				t.Errorf("added: %v, not %v", got, x.add)
			}
		})
	}
}

// TestAnAnswerOfAnotherTypeIsNoProducer: neither for InitProducerId and EndTxn, whose answers would be zero, nor for DescribeTransactions.
func TestAnAnswerOfAnotherTypeIsNoProducer(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		x.area.Coordinator = answering{answer: "something"}
		if r := x.init("id", 5); r.ErrorCode != wire.UnknownServerError || r.ProducerID != -1 || r.ProducerEpoch != -1 {
			t.Errorf("InitProducerId: %+v", r)
		}
		if r := x.end("id", txn.Producer{}, true, 5); r.ErrorCode != wire.UnknownServerError || r.ProducerID != -1 || r.ProducerEpoch != -1 {
			t.Errorf("EndTxn: %+v", r)
		}
		wantTxnCode(t, "add", x.add("id", txn.Producer{}, "t", 0, 3), wire.UnknownServerError)
		q := kmsg.NewPtrDescribeTransactionsRequest()
		q.TransactionalIDs = []string{"id"}
		wantTxnCode(t, "describe", x.send(q, 0).(*kmsg.DescribeTransactionsResponse).TransactionStates[0].ErrorCode, wire.UnknownServerError)
	})
}
