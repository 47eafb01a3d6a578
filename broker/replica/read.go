package replica

import (
	"context"

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

// WaitConfirmed returns when all that is in the log now is confirmed.
func (r *Replica) WaitConfirmed(ctx context.Context) error { return r.waitFor(ctx, r.LogEnd()) }
