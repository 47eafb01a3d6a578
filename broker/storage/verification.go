package storage

import (
	"math"
	"math/rand/v2"

	"github.com/chronik-stream/chronik/broker/wire"
)

// verification is what a log knows of a producer whose next transaction it has no batch of yet (VerificationStateEntry of Apache Kafka;
// KIP-890). It is not on disk.
type verification struct {
	// guard tells the appends that were verified with the coordinator since this began.
	guard uint64
	epoch int16
	// lowest is the lowest first sequence of the epoch that was to be verified: the batches behind it wait until it is there, though
	// they may be verified before.
	lowest int32
	// bumps says that each transaction has an epoch of its own (transaction version 2). It is false where one request of the epoch said
	// so: transaction.version may be changed between two of them.
	bumps bool
	// since is when it began, in milliseconds.
	since int64
}

// maxVerifications is how many producers a log remembers of that begin a transaction at a time. It bounds the memory that a client
// takes who names producer ids that there are none of; Apache Kafka has no bound. Others have milliseconds between the two calls.
const maxVerifications = 10_000

// StartVerification begins the first append of a producer to its transaction in this partition. Unless the guard is 0, the append has
// to bring it, and the caller first asks the transaction's coordinator whether the partition belongs to the transaction. bumps says
// that the producer's epoch rises with each transaction: then the coordinator is asked even where nothing is verified, since it is the
// broker that adds the partition; and once within an open transaction that was begun otherwise, since that one may have ended by a
// request that left the epoch as it was, and its marker be on the way. INVALID_PRODUCER_EPOCH: the producer has a later epoch.
func (l *Log) StartVerification(producerID int64, epoch int16, firstSequence int32, bumps bool) (guard uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.producers.byID[producerID]
	switch {
	case p != nil && epoch < p.epoch:
		return 0, &ProducerRefusal{wire.Errorf(wire.InvalidProducerEpoch, "producer %d has epoch %d, the batch %d", producerID, p.epoch, epoch)}
	case p.ongoing(epoch):
		if !bumps || p.entered {
			return 0, nil
		}
		firstSequence = math.MaxInt32 // the open transaction's batches say which one is next
	case !bumps && !l.cfg.VerifyTransactions:
		return 0, nil
	}
	v, known := l.verifying[producerID]
	switch {
	case !known:
		l.boundVerifications()
		// Random, so that it is of no other log that this one has been, or will be moved to.
		v = verification{guard: rand.Uint64() | 1, epoch: epoch, lowest: firstSequence, bumps: bumps, since: l.d.cfg.Clock().UnixMilli()} //nolint:gosec // no secret
	case epoch > v.epoch:
		v.epoch, v.lowest, v.bumps = epoch, firstSequence, bumps
	case epoch == v.epoch:
		v.lowest, v.bumps = min(v.lowest, firstSequence), v.bumps && bumps
	}
	l.verifying[producerID] = v
	return v.guard, nil
}

// boundVerifications forgets the oldest one where there is no room for another.
func (l *Log) boundVerifications() {
	if len(l.verifying) < maxVerifications {
		return
	}
	oldest, since := int64(-1), int64(0)
	for id, v := range l.verifying {
		if oldest < 0 || v.since < since {
			oldest, since = id, v.since
		}
	}
	delete(l.verifying, oldest)
}

// checkVerified is about the first batch of a transaction. Where a transaction of an older epoch is open, it hangs: the coordinator, which
// knows of the new one, has ended all that it knew of. Apache Kafka adds the batch to the old one, whose records it may then commit.
func (l *Log) checkVerified(p *producer, h *header, info *AppendInfo) error {
	v, known := l.verifying[h.producerID]
	switch {
	case p != nil && p.txnFirst >= 0:
		return wire.Errorf(wire.InvalidTxnState, "producer %d still has a transaction of epoch %d open at offset %d, the batch is of epoch %d", h.producerID, p.epoch, p.txnFirst, h.producerEpoch)
	case l.cfg.VerifyTransactions && (!known || v.guard != info.Guard):
		return wire.Errorf(wire.InvalidTxnState, "producer %d: the batch is not part of a transaction that was verified", h.producerID)
	case !known || info.Origin != Client:
		return nil
	case v.bumps && h.baseSequence != 0 && (p == nil || p.count == 0):
		return wire.Errorf(wire.OutOfOrderSequenceNumber, "producer %d epoch %d: sequence %d begins a transaction in place of 0", h.producerID, h.producerEpoch, h.baseSequence)
	case h.baseSequence > v.lowest:
		return wire.Errorf(wire.OutOfOrderSequenceNumber, "producer %d epoch %d: sequence %d, and %d is still to come", h.producerID, h.producerEpoch, h.baseSequence, v.lowest)
	}
	return nil
}

// enters reports whether a batch brings the guard of a request that had its partition added to the transaction.
func (l *Log) enters(h *header, guard uint64) bool {
	v := l.verifying[h.producerID]
	return guard != 0 && v.guard == guard && v.bumps && v.epoch == h.producerEpoch
}

// verified ends what StartVerification began, with any batch of a transaction. The marker of a transaction that ended by raising the
// epoch says nothing of the next one, which has that epoch and may be waiting for this marker.
func (l *Log) verified(h *header) {
	v, known := l.verifying[h.producerID]
	if next := v.bumps && h.control() && h.producerEpoch == v.epoch; known && !next {
		delete(l.verifying, h.producerID)
	}
}

// expireVerifications forgets those that began so many milliseconds ago.
func (l *Log) expireVerifications(now, after int64) {
	for id, v := range l.verifying {
		if now-v.since >= after {
			delete(l.verifying, id)
		}
	}
}
