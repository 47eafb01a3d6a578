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

// Append validates a client's batch, stamps it, converts it where the topic has a compression of its own, and appends it. It does
// not wait for the disk. all says that the client asks for
// all in-sync replicas (acks=-1), zstd that its Produce version knows that codec. The batch's bytes are changed and may be used
// again when Append returns.
func (r *Replica) Append(batch []byte, all, zstd bool, now time.Time) (Appended, error) {
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
	return r.append(stored.Batch, storage.Client, all, now)
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
	return r.append(stored.Batch, storage.Coordinator, true, now)
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

func (r *Replica) append(batch []byte, origin storage.Origin, all bool, now time.Time) (Appended, error) {
	r.leading.RLock()
	defer r.leading.RUnlock()
	if err := r.CheckEpoch(-1); err != nil {
		return Appended{}, err
	}
	result, err := r.log().Append(batch, storage.AppendInfo{LeaderEpoch: r.LeaderEpoch(), Now: now, Origin: origin})
	if err != nil {
		return Appended{}, err
	}
	return Appended{AppendResult: result, replica: r, all: all}, nil
}
