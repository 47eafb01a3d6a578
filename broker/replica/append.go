package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Appended is a batch on its way to the disk.
type Appended struct {
	storage.AppendResult
	replica *Replica
	all     bool
}

// Confirmed reports whether Wait would return at once.
func (a *Appended) Confirmed() bool { return a.replica.HighWatermark() > a.LastOffset }

// Wait returns when consumers may see the batch: the high watermark has passed it.
func (a *Appended) Wait(ctx context.Context) error {
	if err := a.replica.waitFor(ctx, a.LastOffset+1); err != nil {
		return err
	}
	// KIP-966: what was acknowledged must be on enough replicas at the time of the acknowledgement, too.
	if missing := a.replica.missing(a.replica.settings.Load()); a.all && missing != nil {
		return wire.Errorf(wire.NotEnoughReplicasAfterAppend, "%w", missing)
	}
	return nil
}

// Pace waits while the partition's log directory has more to write than it should. REQUEST_TIMED_OUT: the context has ended.
func (r *Replica) Pace(ctx context.Context) error { return r.log().Pace(ctx) }

// Append validates a client's batch, stamps it, converts it where the topic has a compression of its own, and appends it. It does
// not wait for the disk; the caller has waited with Pace. all says that the client asks for
// all in-sync replicas (acks=-1), zstd that its Produce version knows that codec. guard is that of StartVerification for the first
// batch of a transaction, else 0. The batch's bytes are changed and may be used again when Append returns.
func (r *Replica) Append(batch []byte, all, zstd bool, guard uint64, now time.Time) (Appended, error) {
	settings := r.settings.Load()
	if missing := r.missing(settings); all && missing != nil {
		return Appended{}, wire.Errorf(wire.NotEnoughReplicas, "%w", missing)
	}
	stored, err := r.walker.Validate(batch, settings.rules(now.UnixMilli(), zstd))
	if err != nil {
		return Appended{}, r.refused(err)
	}
	defer stored.Release()
	r.metrics.stored(&stored)
	return r.append(stored.Batch, storage.AppendInfo{Now: now, Origin: storage.Client, Guard: guard, Paced: true}, all)
}

// StartVerification begins the first append of a producer to its transaction in this partition. Unless the guard is 0 the append has to
// bring it, and the coordinator has to be asked first whether the partition belongs to the transaction (KIP-890). bumps says that the
// producer's epoch rises with each transaction (transaction version 2).
func (r *Replica) StartVerification(producerID int64, epoch int16, firstSequence int32, bumps bool) (guard uint64, err error) {
	r.leading.RLock()
	defer r.leading.RUnlock()
	if err := r.CheckEpoch(-1); err != nil {
		return 0, err
	}
	return r.log().StartVerification(producerID, epoch, firstSequence, bumps)
}

// refused counts a refused batch and gives it the code that its producer is told.
func (r *Replica) refused(err error) error {
	var refusal *record.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	r.metrics.refuse(refusal.Reason)
	r.logger.Debug("a record batch is refused", "topic", r.topic, "partition", r.index, "error", err)
	code := wire.InvalidRecord
	switch refusal.Reason {
	case record.Corrupt:
		code = wire.CorruptMessage
	case record.TooLarge:
		code = wire.MessageTooLarge
	case record.BadCodec:
		code = wire.UnsupportedCompressionType
	case record.BadTimestamp:
		code = wire.InvalidTimestamp
	case record.Invalid:
	}
	return wire.Errorf(code, "%w", err)
}

// AppendOwn appends a batch that the broker itself has built, in the topic's compression. It counts as sent with acks=-1.
func (r *Replica) AppendOwn(batch record.Batch, now time.Time) (Appended, error) {
	return r.appendOwn(batch, storage.AppendInfo{Now: now})
}

// AppendTransactional is AppendOwn for a batch of a producer's transaction (record.Builder.Transaction), with the guard of
// StartVerification, or 0. What Refused knows of its errors leaves the log as it was.
func (r *Replica) AppendTransactional(batch record.Batch, guard uint64, now time.Time) (Appended, error) {
	return r.appendOwn(batch, storage.AppendInfo{Now: now, Guard: guard})
}

// AppendMarker ends a producer's transaction in this partition. version is the transaction version that the coordinator ended it by:
// from 2 on the marker's epoch has to be above that of the transaction's records. Markers of zombies are refused:
// TRANSACTION_COORDINATOR_FENCED for an older coordinator, INVALID_PRODUCER_EPOCH for an older producer; Refused knows both.
func (r *Replica) AppendMarker(m record.EndTxn, version int8, now time.Time) (Appended, error) {
	return r.appendOwn(record.MarkerBatch(m, now.UnixMilli()), storage.AppendInfo{Now: now, TransactionVersion: version})
}

func (r *Replica) appendOwn(batch record.Batch, info storage.AppendInfo) (Appended, error) {
	settings := r.settings.Load()
	if missing := r.missing(settings); missing != nil {
		return Appended{}, wire.Errorf(wire.NotEnoughReplicas, "%w", missing)
	}
	stored, err := r.walker.Convert(batch, settings.Compression, settings.MaxMessageBytes)
	if err != nil {
		return Appended{}, r.refused(err)
	}
	defer stored.Release()
	r.metrics.stored(&stored)
	info.Origin = storage.Coordinator
	return r.append(stored.Batch, info, true)
}

// Refused reports whether an append failed since the batch contradicts what the log knows of its producer: then nothing of it was
// written, and the log takes the next one.
func Refused(err error) bool {
	var refusal *storage.ProducerRefusal
	return errors.As(err, &refusal)
}

// missing says that there are fewer in-sync replicas than min.insync.replicas asks for, or nil. As in Apache Kafka a partition
// with fewer replicas than that needs all that it has.
func (r *Replica) missing(settings *Settings) error {
	state := r.state.Load()
	if wanted := min(settings.MinISR, len(state.Replicas)); len(state.ISR) < wanted {
		return fmt.Errorf("%s-%d has %d in-sync replicas of %d (min.insync.replicas)", r.topic, r.index, len(state.ISR), wanted)
	}
	return nil
}

func (r *Replica) append(batch []byte, info storage.AppendInfo, all bool) (Appended, error) {
	r.leading.RLock()
	defer r.leading.RUnlock()
	if err := r.CheckEpoch(-1); err != nil {
		return Appended{}, err
	}
	info.LeaderEpoch = r.LeaderEpoch()
	result, err := r.log().Append(batch, info)
	if err != nil {
		return Appended{}, err
	}
	return Appended{AppendResult: result, replica: r, all: all}, nil
}
