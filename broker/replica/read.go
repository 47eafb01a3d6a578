package replica

import (
	"context"
	"fmt"
	"slices"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Read returns whole batches from the one that holds offset, up to the high watermark. minOne gives the first batch even when it is
// larger than maxBytes. The result aliases dst where it fits into its capacity. An offset outside the log is OFFSET_OUT_OF_RANGE; one
// that nobody has confirmed yet reads as nothing.
func (r *Replica) Read(offset int64, maxBytes int, minOne bool, dst []byte) ([]byte, error) {
	end, data := r.HighWatermark(), dst[:0]
	err := r.read(offset, end, maxBytes > 0 || minOne, func(log *storage.Log) (err error) {
		data, err = log.Read(offset, maxBytes, end, minOne, dst)
		return err
	})
	return data, err
}

// ReadCommitted is Read up to the last stable offset, and lists the aborted transactions that have records in what it returns.
func (r *Replica) ReadCommitted(offset int64, maxBytes int, minOne bool, dst []byte) ([]byte, []storage.AbortedTransaction, error) {
	return r.readWithAborted(offset, r.LastStable(), maxBytes, minOne, dst)
}

func (r *Replica) readWithAborted(offset, end int64, maxBytes int, minOne bool, dst []byte) (data []byte, aborted []storage.AbortedTransaction, err error) {
	data = dst[:0]
	err = r.read(offset, end, maxBytes > 0 || minOne, func(log *storage.Log) (err error) {
		data, aborted, err = log.ReadWithAborted(offset, maxBytes, end, minOne, dst)
		return err
	})
	return data, aborted, err
}

// read has something read of the log, where it is wanted and there is something up to an end, and again when the log has moved.
func (r *Replica) read(offset, end int64, wanted bool, run func(*storage.Log) error) error {
	log := r.log()
	if start, logEnd := log.StartOffset(), log.EndOffset(); offset < start || offset > logEnd {
		return wire.Errorf(wire.OffsetOutOfRange, "offset %d of %s-%d is outside %d to %d", offset, r.topic, r.index, start, logEnd)
	}
	if offset >= end || !wanted {
		return nil
	}
	err := run(log)
	if err != nil && r.log() != log {
		return run(r.log())
	}
	return err
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
		// In this order, and up to an end from before: what is not open by then has ended, and is on the list if it was aborted.
		end := r.HighWatermark()
		open := r.log().OpenTransactions()
		data, aborted, err := r.readWithAborted(next, end, loadStep, true, buf)
		if err != nil {
			return next, err
		}
		before := next
		record.Batches(data, func(b record.Batch) bool {
			if !hidden(b, aborted, open) {
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

// hidden says of a batch whether it is of one of these transactions, which have no commit marker.
func hidden(b record.Batch, aborted []storage.AbortedTransaction, open []storage.OpenTransaction) bool {
	return b.Transactional() && (slices.ContainsFunc(aborted, func(t storage.AbortedTransaction) bool {
		return t.ProducerID == b.ProducerID() && t.FirstOffset <= b.BaseOffset() && b.BaseOffset() < t.LastOffset
	}) || slices.ContainsFunc(open, func(t storage.OpenTransaction) bool {
		return t.ProducerID == b.ProducerID() && t.FirstOffset <= b.BaseOffset()
	}))
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
