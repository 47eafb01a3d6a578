package handler

import (
	"context"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// transactionFrame caps requests about transactions that may name as many partitions as a transaction holds, in bytes.
const transactionFrame = 8 << 20

// fencedByEpoch is, for most APIs of transactions, the first version that knows PRODUCER_FENCED; older clients are told
// INVALID_PRODUCER_EPOCH.
const fencedByEpoch = 2

// TxnCoordinator is this broker's part of the transaction coordinators. What Send... return waits for the answer; its error has a Kafka code.
type TxnCoordinator interface {
	// SendTxn hands a request to the coordinator of a transactional id.
	SendTxn(ctx context.Context, id string, q txn.Request) waiting
	// SendEach hands a request to every coordinator that is here.
	SendEach(ctx context.Context, q txn.Request) []waiting
}

// Transactions answers the APIs of transactions.
type Transactions struct {
	Coordinator TxnCoordinator
	// Groups keep the offsets that transactions commit.
	Groups *Groups
	// ProducerIDs hands out the ids of idempotent producers, which have no coordinator.
	ProducerIDs *ProducerIDs
	Markers     *Markers
	// Verification lets transactional offsets into the partitions of group.Topic.
	Verification *Verification
	// Changes records the markers that clients write.
	Changes Changes
	// RefusedRegex is told of patterns of transactional ids that are refused.
	RefusedRegex RefusedRegex
}

// Rows are the rows of this area.
func (t *Transactions) Rows() []api.Row {
	return []api.Row{
		t.initProducerID(), t.addPartitionsToTxn(), t.addOffsetsToTxn(), t.endTxn(), t.writeTxnMarkers(), t.txnOffsetCommit(),
		t.describeTransactions(), t.listTransactions(),
	}
}

// image is the newest image of the metadata.
func (t *Transactions) image() *meta.Image { return t.Groups.Image() }

// askTxn hands a request to a transactional id's coordinator and waits for an answer of type T, or a code.
func askTxn[T any](ctx context.Context, c TxnCoordinator, id string, q txn.Request) (T, int16) {
	return awaitAnswer[T](ctx, c.SendTxn(ctx, id, q))
}

// addToTxn adds partitions to a transaction.
func addToTxn(ctx context.Context, c TxnCoordinator, q txn.Add) int16 {
	return awaitConsent(ctx, c.SendTxn(ctx, q.TransactionalID, q))
}

// toldFenced is the code in the terms of a client that knows PRODUCER_FENCED from a version on.
func toldFenced(code, version, since int16) int16 {
	if code == wire.ProducerFenced && version < since {
		return wire.InvalidProducerEpoch
	}
	return code
}

// onTransaction is one need on a transactional id.
func onTransaction(op authz.Operation, id string) authz.Need {
	return need(op, authz.TransactionalID, id)
}
