package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/shard"
)

// coordinatorLog is a partition of a coordinator's topic as the coordinator uses it.
type coordinatorLog struct {
	part *replica.Replica
}

// Append writes the records as one batch, or the marker.
func (l *coordinatorLog) Append(what coordinator.Append, now time.Time) (func(context.Context) error, error) {
	appended, err := l.append(what, now)
	if replica.Refused(err) {
		return nil, fmt.Errorf("%w: %w", shard.ErrRefused, err)
	}
	if err != nil {
		return nil, err
	}
	return appended.Wait, nil
}

func (l *coordinatorLog) append(what coordinator.Append, now time.Time) (replica.Appended, error) {
	if m := what.Marker; m != nil {
		end := record.EndTxn{ProducerID: m.ProducerID, Epoch: m.Epoch, Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch}
		return l.part.AppendMarker(end, m.Level, now)
	}
	var b record.Builder
	for _, r := range what.Records {
		b.Add(now.UnixMilli(), r.Key, r.Value)
	}
	if p := what.Producer; p != nil {
		b.Transaction(p.ID, p.Epoch)
		return l.part.AppendTransactional(b.Batch(), p.Guard, now)
	}
	return l.part.AppendOwn(b.Batch(), now)
}

// Read reads all that is there; it waits until all of that is confirmed.
func (l *coordinatorLog) Read(ctx context.Context, yield func(coordinator.Entry) error) error {
	if err := l.part.WaitConfirmed(ctx); err != nil {
		return err
	}
	return l.part.EachEntry(ctx, 0, func(e replica.Entry) error {
		entry := coordinator.Entry{
			Record: coordinator.Record{Key: e.Key, Value: e.Value}, Transactional: e.Transactional, ProducerID: e.ProducerID,
		}
		if m := e.Marker; m != nil {
			entry.Marker = &coordinator.Marker{ProducerID: m.ProducerID, Epoch: m.Epoch, Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch}
		}
		return yield(entry)
	})
}
