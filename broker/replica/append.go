package replica

import (
	"context"
	"errors"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Appended is a batch on its way to the disk.
type Appended struct {
	storage.AppendResult
	replica *Replica
}

// Wait returns when consumers may see the batch: the high watermark has passed it.
func (a Appended) Wait(ctx context.Context) error {
	if err := a.replica.waitFor(ctx, a.LastOffset+1); err != nil {
		return err
	}
	// KIP-966: what was acknowledged must be on enough replicas at the time of the acknowledgement.
	if state, settings := a.replica.state.Load(), a.replica.settings.Load(); len(state.ISR) < settings.MinISR {
		return wire.Errorf(wire.NotEnoughReplicasAfterAppend, "%s-%d has %d in-sync replicas, min.insync.replicas is %d",
			a.replica.topic, a.replica.index, len(state.ISR), settings.MinISR)
	}
	return nil
}

// Append validates a client's batch, stamps it and appends it. It does not wait for the disk. all says that the client asks for
// all in-sync replicas (acks=-1), zstd that its Produce version knows that codec. The batch's bytes are changed and may be used
// again when Append returns.
func (r *Replica) Append(batch []byte, all, zstd bool, now time.Time) (Appended, error) {
	settings := r.settings.Load()
	if err := r.checkISR(settings, all); err != nil {
		return Appended{}, err
	}
	if err := r.walker.Validate(batch, settings.rules(now.UnixMilli(), zstd)); err != nil {
		return Appended{}, refused(err)
	}
	return r.append(batch, storage.Client, now)
}

// refused gives a refused batch the code that its producer is told.
func refused(err error) error {
	var r *record.Refusal
	if !errors.As(err, &r) {
		return err
	}
	code := wire.InvalidRecord
	switch r.Reason {
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

// AppendOwn appends a batch that the broker itself has built.
func (r *Replica) AppendOwn(batch record.Batch, now time.Time) (Appended, error) {
	if err := r.checkISR(r.settings.Load(), true); err != nil {
		return Appended{}, err
	}
	return r.append(batch, storage.Coordinator, now)
}

func (r *Replica) checkISR(settings *Settings, all bool) error {
	state := r.state.Load()
	if all && len(state.ISR) < settings.MinISR {
		return wire.Errorf(wire.NotEnoughReplicas, "%s-%d has %d in-sync replicas, min.insync.replicas is %d",
			r.topic, r.index, len(state.ISR), settings.MinISR)
	}
	return nil
}

func (r *Replica) append(batch []byte, origin storage.Origin, now time.Time) (Appended, error) {
	if err := r.CheckEpoch(-1); err != nil {
		return Appended{}, err
	}
	result, err := r.log.Append(batch, storage.AppendInfo{LeaderEpoch: r.LeaderEpoch(), Now: now, Origin: origin})
	if err != nil {
		return Appended{}, err
	}
	return Appended{AppendResult: result, replica: r}, nil
}
