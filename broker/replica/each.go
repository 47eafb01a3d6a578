package replica

import (
	"context"
	"fmt"
	"slices"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// loadStep is how much of a log is read at once when a coordinator loads, in bytes.
const loadStep = 1 << 20

// Each calls yield for every record from offset on that is confirmed by the time it is reached, and returns the offset after
// the last one. What belongs to a transaction that was aborted, or is open, is left out. Keys and values belong to the log again when yield returns.
func (r *Replica) Each(ctx context.Context, offset int64, yield func(record.Record) error) (next int64, err error) {
	buf := make([]byte, 0, loadStep)
	var aborted []storage.AbortedTransaction
	var open []storage.OpenTransaction
	read := func(from int64) (data []byte, err error) {
		// In this order, and up to an end from before: what is not open by then has ended, and is on the list if it was aborted.
		end := r.HighWatermark()
		open = r.log().OpenTransactions()
		data, aborted, err = r.readWithAborted(from, end, loadStep, true, buf)
		return data, err
	}
	return r.eachBatch(ctx, offset, read, func(b record.Batch, from int64) error {
		if b.Control() || hidden(b, aborted, open) {
			return nil
		}
		return r.eachOf(b, from, yield)
	})
}

// Entry is a record as it stands in the log, with its producer, -1 for none.
type Entry struct {
	record.Record
	ProducerID    int64
	ProducerEpoch int16
	// Transactional records count when a marker of the same producer says so that comes behind them.
	Transactional bool
	// Marker is what ends the producer's transaction; else it is nil. Its epoch may be above that of the records that it ends.
	Marker *record.EndTxn
}

// EachEntry is Each for a coordinator that follows transactions itself: it gives all records in the order of the log, those of open
// and aborted transactions and the markers too.
func (r *Replica) EachEntry(ctx context.Context, offset int64, yield func(Entry) error) error {
	buf := make([]byte, 0, loadStep)
	read := func(from int64) ([]byte, error) { return r.Read(from, loadStep, true, buf) }
	_, err := r.eachBatch(ctx, offset, read, func(b record.Batch, from int64) error {
		e := Entry{ProducerID: b.ProducerID(), ProducerEpoch: b.ProducerEpoch(), Transactional: b.Transactional()}
		switch marker, ok := b.EndTxn(); {
		case ok:
			e.Marker = &marker
		case b.Control():
			return nil
		}
		return r.eachOf(b, from, func(rec record.Record) error {
			e.Record = rec
			return yield(e)
		})
	})
	return err
}

// eachBatch calls yield for every batch that has records from offset on and is confirmed by the time it is reached, with the first
// offset that is wanted of it. What is deleted before it is reached is left out. It returns the offset after the last one. read returns
// batches from an offset on, at least one.
func (r *Replica) eachBatch(ctx context.Context, offset int64, read func(from int64) ([]byte, error), yield func(b record.Batch, from int64) error) (next int64, err error) {
	next = max(offset, r.LogStart())
	for next < r.HighWatermark() {
		if err := ctx.Err(); err != nil {
			return next, fmt.Errorf("read %s-%d at offset %d: %w", r.topic, r.index, next, err)
		}
		data, err := read(next)
		if start := r.LogStart(); start > next && wire.CodeOf(err) == wire.OffsetOutOfRange {
			next = start // what was to come is deleted meanwhile
			continue
		}
		if err != nil {
			return next, err
		}
		before := next
		record.Batches(data, func(b record.Batch) bool {
			err = yield(b, before)
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

// eachOf calls yield for the records of a batch from an offset on.
func (r *Replica) eachOf(b record.Batch, from int64, yield func(record.Record) error) error {
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
