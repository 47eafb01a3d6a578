package storage

import (
	"math"

	"github.com/chronik-stream/chronik/broker/wire"
)

// ProducerRefusal is why a batch contradicts what the log knows of its producer. It carries Kafka's code: OUT_OF_ORDER_SEQUENCE_NUMBER,
// INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, INVALID_TXN_STATE or TRANSACTION_COORDINATOR_FENCED. Nothing of the batch was written.
type ProducerRefusal struct{ cause error }

// Error is that of the cause.
func (r *ProducerRefusal) Error() string { return r.cause.Error() }

// Unwrap returns the cause.
func (r *ProducerRefusal) Unwrap() error { return r.cause }

// fencingEpoch is the epoch of a producer id that has no other left. Its markers have it too, so that it does not rise from one to the
// next.
const fencingEpoch = math.MaxInt16

// checkProducer refuses what is of a transaction and names no producer, or an epoch that there is none of: nobody could end it. A client's
// batches are checked before they come here, others have their numbers from requests.
func (h *header) checkProducer(origin Origin) error {
	switch {
	case origin == Replication || !h.transactional():
		return nil
	case !h.hasProducer():
		return wire.Errorf(wire.InvalidProducerIDMapping, "a transactional batch of producer %d", h.producerID)
	case h.producerEpoch < 0:
		return wire.Errorf(wire.InvalidProducerEpoch, "a transactional batch of producer %d with epoch %d", h.producerID, h.producerEpoch)
	}
	return nil
}

// check says whether a batch of a producer may be appended (UnifiedLog and ProducerAppendInfo of Apache Kafka). A batch that is already
// there is returned. The caller holds the lock.
func (l *Log) check(h *header, m *marker, info *AppendInfo) (duplicate *producerBatch, err error) {
	p := l.producers.byID[h.producerID]
	switch {
	case info.Origin == Replication:
		return nil, nil
	case m != nil:
		return nil, p.checkMarker(h, m, info.TransactionVersion)
	case info.Origin == Client:
		if duplicate = p.duplicate(h); duplicate != nil {
			return duplicate, nil
		}
	}
	if p != nil && h.producerEpoch < p.epoch {
		return nil, wire.Errorf(wire.InvalidProducerEpoch, "producer %d has epoch %d, the batch %d", h.producerID, p.epoch, h.producerEpoch)
	}
	if h.transactional() && !p.ongoing(h.producerEpoch) {
		if err := l.checkVerified(p, h, info); err != nil {
			return nil, err
		}
	}
	if info.Origin == Client {
		if err := p.checkSequence(h); err != nil {
			return nil, err
		}
	}
	if p != nil && p.txnFirst >= 0 && !h.transactional() {
		return nil, wire.Errorf(wire.InvalidTxnState, "producer %d has an open transaction and sent a batch outside of it", h.producerID)
	}
	return nil, nil
}

// ongoing reports whether the producer has an open transaction of this epoch. One of an older epoch has ended for the producer, if not
// yet here.
func (p *producer) ongoing(epoch int16) bool {
	return p != nil && p.txnFirst >= 0 && p.epoch == epoch
}

// duplicate returns the batch that has the same epoch and sequences, or nil.
func (p *producer) duplicate(h *header) *producerBatch {
	if p == nil || h.producerEpoch != p.epoch {
		return nil
	}
	for i := range p.batches[:p.count] {
		b := &p.batches[i]
		if b.lastSequence == h.lastSequence() && b.baseSequence() == h.baseSequence {
			return b
		}
	}
	return nil
}

// checkMarker says whether a marker is of a zombie. From transaction version 2 on each transaction ends with an epoch of its own; the
// same one again is a marker that was sent twice, unless there is something for it to end.
func (p *producer) checkMarker(h *header, m *marker, version int8) error {
	if p == nil {
		return nil
	}
	again := h.producerEpoch == p.epoch && (p.txnFirst < 0 || h.producerEpoch == fencingEpoch)
	switch {
	case h.producerEpoch < p.epoch:
		return wire.Errorf(wire.InvalidProducerEpoch, "producer %d has epoch %d, the marker %d", h.producerID, p.epoch, h.producerEpoch)
	case version >= 2 && h.producerEpoch == p.epoch && !again:
		return wire.Errorf(wire.InvalidProducerEpoch, "producer %d has a transaction of epoch %d, and the marker does not raise it", h.producerID, p.epoch)
	case m.coordinatorEpoch < p.coordinatorEpoch:
		return wire.Errorf(wire.TransactionCoordinatorFenced, "producer %d: marker of coordinator epoch %d, known is %d", h.producerID, m.coordinatorEpoch, p.coordinatorEpoch)
	}
	return nil
}

func (p *producer) checkSequence(h *header) error {
	if p == nil || p.epoch == -1 {
		return nil
	}
	want := int32(0)
	if last := p.lastBatch(); last != nil && h.producerEpoch == p.epoch {
		want = addSequence(last.lastSequence, 1)
	}
	if h.baseSequence == want {
		return nil
	}
	return wire.Errorf(wire.OutOfOrderSequenceNumber, "producer %d epoch %d: sequence %d instead of %d", h.producerID, h.producerEpoch, h.baseSequence, want)
}
