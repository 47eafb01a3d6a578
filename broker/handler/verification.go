package handler

import (
	"context"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// addsLevel is the transaction.version of clients that leave it to the broker to add partitions to their transactions (KIP-890).
const addsLevel = 2

// support is what a request's version says that its client knows of transactions (Apache Kafka's TransactionSupportedOperation).
type support uint8

const (
	// oldErrors clients have added their partitions and do not know TRANSACTION_ABORTABLE.
	oldErrors support = iota + 1
	// abortable clients have added their partitions, too.
	abortable
	// adding clients leave that to the broker.
	adding
)

// firstPause is what part of Verification.Pause the first pause takes; the next ones double. Markers are mostly written within a few
// milliseconds, and a producer that commits one small transaction after the other waits for them each time.
const firstPause = 16

// Verifier asks the coordinator of a transaction about partitions. It returns a code for each, of those that AddPartitionsToTxn has.
type Verifier interface {
	// Ensure makes sure that partitions are part of a producer's transaction: it adds them, or only looks.
	Ensure(ctx context.Context, id string, p txn.Producer, partitions []txn.TopicPartition, add bool) []int16
}

// LocalVerifier asks the coordinators of this broker.
type LocalVerifier struct{ Coordinator TxnCoordinator }

// Ensure implements Verifier.
func (v LocalVerifier) Ensure(ctx context.Context, id string, p txn.Producer, partitions []txn.TopicPartition, add bool) []int16 {
	if add {
		q := txn.Add{TransactionalID: id, Producer: p, Partitions: partitions, Level: addsLevel}
		return slices.Repeat([]int16{addToTxn(ctx, v.Coordinator, q)}, len(partitions))
	}
	codes, code := askTxn[[]int16](ctx, v.Coordinator, id, txn.Verify{TransactionalID: id, Producer: p, Partitions: partitions})
	if code == wire.None && len(codes) != len(partitions) {
		code = wire.UnknownServerError
	}
	if code != wire.None {
		return slices.Repeat([]int16{code}, len(partitions))
	}
	return codes
}

// Verification makes sure that partitions belong to a producer's transaction before its batches are written there: a batch that comes
// late must not open a transaction that nobody ends (KIP-890).
type Verification struct {
	Verifier Verifier
	// Pause is how long to wait at the most before a partition is added again whose transaction is still ending, and Limit for how long
	// to (add.partitions.to.txn.retry.backoff.ms and .max.ms).
	Pause, Limit time.Duration
	// Refused counts partitions that are not part of the transaction; nil counts nothing.
	Refused func(code int16)
}

// ensure verifies partitions, and returns for each what its batch is to be refused with, or nil.
func (v *Verification) ensure(ctx context.Context, id string, p txn.Producer, partitions []txn.TopicPartition, s support) []error {
	codes := v.Verifier.Ensure(ctx, id, p, partitions, s == adding)
	step := v.Pause / firstPause
	for waited := time.Duration(0); s == adding && codes[0] == wire.ConcurrentTransactions && waited < v.Limit; waited += step {
		if waited > 0 {
			step = min(2*step, v.Pause)
		}
		if !pause(ctx, step) {
			break
		}
		codes = v.Verifier.Ensure(ctx, id, p, partitions, true)
	}
	errs := make([]error, len(codes))
	for i, code := range codes {
		if code == wire.None {
			continue
		}
		errs[i] = unverified(code, s)
		if v.Refused != nil {
			v.Refused(wire.CodeOf(errs[i]))
		}
	}
	return errs
}

// pause reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// unverified says why a partition could not be verified in codes that producers know (Apache Kafka's ReplicaManager and
// AddPartitionsToTxnManager): NOT_ENOUGH_REPLICAS has old ones send the batch again without asking for metadata first.
func unverified(code int16, s support) error {
	switch code {
	case wire.ProducerFenced:
		return wire.Errorf(wire.InvalidProducerEpoch, "the producer's epoch is not the one of its transactional id")
	case wire.TransactionAbortable:
		if s == oldErrors {
			code = wire.InvalidTxnState
		}
		return wire.Errorf(code, "the partition was not added to the transaction")
	case wire.ConcurrentTransactions:
		if s == adding {
			return wire.Errorf(code, "the transaction before is still ending")
		}
	case wire.NetworkException, wire.CoordinatorLoadInProgress, wire.CoordinatorNotAvailable, wire.NotCoordinator, wire.RequestTimedOut:
	default:
		return wire.Errorf(code, "the transaction's coordinator refused")
	}
	return wire.Errorf(wire.NotEnoughReplicas, "it could not be verified that the partition was added to the transaction: %s", wire.CodeName(code))
}
