package replica

import (
	"context"
	"fmt"
	"slices"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Read returns whole batches from the one that holds offset, up to the end for the isolation level. minOne gives the first batch
// even when it is larger than maxBytes. The result aliases dst where it fits into its capacity. An offset outside the log is
// OFFSET_OUT_OF_RANGE; one that nobody has confirmed yet reads as nothing.
func (r *Replica) Read(offset int64, maxBytes int, readCommitted, minOne bool, dst []byte) ([]byte, error) {
	if offset < r.log().StartOffset() || offset > r.log().EndOffset() {
		return nil, wire.Errorf(wire.OffsetOutOfRange, "offset %d of %s-%d is outside %d to %d",
			offset, r.topic, r.index, r.log().StartOffset(), r.log().EndOffset())
	}
	end := r.EndFor(readCommitted)
	if offset >= end || maxBytes <= 0 && !minOne {
		return dst[:0], nil
	}
	log := r.log()
	data, err := log.Read(offset, maxBytes, end, minOne, dst)
	if err != nil && r.log() != log { // it has moved
		return r.log().Read(offset, maxBytes, end, minOne, dst)
	}
	return data, err
}

// Aborted lists the aborted transactions that have records in batches that Read has returned.
func (r *Replica) Aborted(data []byte) []storage.AbortedTransaction {
	if len(data) == 0 {
		return nil
	}
	upTo := int64(0)
	record.Batches(data, func(b record.Batch) bool {
		upTo = b.LastOffset() + 1
		return true
	})
	return r.log().Aborted(record.Batch(data).BaseOffset(), upTo)
}

// loadStep is how much of a log is read at once when a coordinator loads, in bytes.
const loadStep = 1 << 20

// Each calls yield for every record from offset on that is confirmed by the time it is reached, and returns the offset after
// the last one. What belongs to a transaction that was aborted, or is open, is left out. Keys and values belong to the log again when yield returns.
func (r *Replica) Each(ctx context.Context, offset int64, yield func(record.Record) error) (next int64, err error) {
	buf := make([]byte, 0, loadStep)
	next = max(offset, r.LogStart())
	for next < r.HighWatermark() {
		if err := ctx.Err(); err != nil {
			return next, fmt.Errorf("read %s-%d at offset %d: %w", r.topic, r.index, next, err)
		}
		data, err := r.Read(next, loadStep, false, true, buf)
		if err != nil {
			return next, err
		}
		before := next
		hidden := r.hidden(data)
		record.Batches(data, func(b record.Batch) bool {
			if !hidden(b) {
				err = r.eachOf(b, before, yield)
			}
			next = b.LastOffset() + 1
			return err == nil
		})
		if err != nil {
			return next, err
		}
		if next == before {
			return next, wire.Errorf(wire.KafkaStorageError, "%s-%d gives no batch at offset %d", r.topic, r.index, next)
		}
	}
	return next, nil
}

// hidden returns what says of the batches in data whether their transactions have no commit marker.
func (r *Replica) hidden(data []byte) func(record.Batch) bool {
	aborted, open := r.Aborted(data), r.log().OpenTransactions()
	return func(b record.Batch) bool {
		return b.Transactional() && (slices.ContainsFunc(aborted, func(t storage.AbortedTransaction) bool {
			return t.ProducerID == b.ProducerID() && t.FirstOffset <= b.BaseOffset() && b.BaseOffset() < t.LastOffset
		}) || slices.ContainsFunc(open, func(t storage.OpenTransaction) bool {
			return t.ProducerID == b.ProducerID() && t.FirstOffset <= b.BaseOffset()
		}))
	}
}

func (r *Replica) eachOf(b record.Batch, from int64, yield func(record.Record) error) error {
	if b.Control() {
		return nil
	}
	var failed error
	err := r.walker.Records(b, func(rec record.Record) bool {
		if rec.Offset >= from {
			failed = yield(rec)
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// WaitConfirmed returns when all that is in the log now is confirmed.
func (r *Replica) WaitConfirmed(ctx context.Context) error { return r.waitFor(ctx, r.LogEnd()) }
