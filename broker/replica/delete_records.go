package replica

import (
	"context"

	"github.com/chronik-stream/chronik/broker/wire"
)

// ToHighWatermark is the offset of DeleteRecords that stands for the high watermark (DeleteRecordsRequest of Apache Kafka).
const ToHighWatermark = -1

// DeletableTo returns the log start that DeleteRecords of an offset would bring, without doing it. POLICY_VIOLATION: the topic
// is compacted and nothing else. OFFSET_OUT_OF_RANGE: the offset is above the high watermark, or negative.
func (r *Replica) DeletableTo(offset int64) (int64, error) {
	high := r.HighWatermark()
	if offset == ToHighWatermark {
		offset = high
	}
	switch {
	case r.settings.Load().Log.CompactOnly:
		return 0, wire.Errorf(wire.PolicyViolation, "records of %s-%d can not be deleted: its cleanup.policy is compact alone", r.topic, r.index)
	case offset < 0 || offset > high:
		return 0, wire.Errorf(wire.OffsetOutOfRange, "offset %d of %s-%d is not within 0 and the high watermark %d", offset, r.topic, r.index, high)
	}
	return max(offset, r.LogStart()), nil
}

// StartDeleteRecords raises the log start to an offset that DeletableTo has returned. wait returns the log start when it is
// durable.
func (r *Replica) StartDeleteRecords(offset int64) (wait func(context.Context) (int64, error), err error) {
	r.leading.RLock()
	defer r.leading.RUnlock()
	if err := r.CheckEpoch(-1); err != nil {
		return nil, err
	}
	outcome, err := r.log().StartDeleteRecords(offset)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (int64, error) {
		select {
		case err := <-outcome:
			return r.LogStart(), err
		case <-ctx.Done():
			return 0, wire.Errorf(wire.RequestTimedOut, "delete records of %s-%d: %w", r.topic, r.index, ctx.Err())
		}
	}, nil
}
