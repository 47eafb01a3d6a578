package replica

import (
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Timestamps of ListOffsets that are questions (ListOffsetsRequest of Apache Kafka).
const (
	LatestOffset       = -1
	EarliestOffset     = -2
	MaxTimestampOffset = -3
	EarliestLocal      = -4
	LatestTiered       = -5
	EarliestPending    = -6
)

// FoundOffset is an offset with its record's timestamp and leader epoch, -1 each where there is none.
type FoundOffset = storage.TimestampOffset

// noOffset is the answer where no record fits the question.
func noOffset() FoundOffset {
	return FoundOffset{Offset: -1, Timestamp: -1, LeaderEpoch: -1}
}

// Offset answers one question of ListOffsets: a timestamp in milliseconds, or one of the constants above. What lies at or beyond
// the end for the isolation level does not exist. OFFSET_NOT_AVAILABLE: a new leader does not know yet what is confirmed of the
// records before its epoch (KIP-207).
func (r *Replica) Offset(question int64, readCommitted bool) (FoundOffset, error) {
	end := r.EndFor(readCommitted)
	switch question {
	case EarliestOffset, EarliestLocal:
		at := FoundOffset{Offset: r.LogStart(), Timestamp: -1, LeaderEpoch: -1}
		if epoch, known := r.log().EpochAt(at.Offset); known {
			at.LeaderEpoch = epoch
		}
		return at, nil
	case LatestTiered, EarliestPending:
		return noOffset(), nil // there are no tiers
	case LatestOffset:
		return FoundOffset{Offset: end, Timestamp: -1, LeaderEpoch: r.LeaderEpoch()}, r.settled()
	}
	var at FoundOffset
	var ok bool
	var err error
	switch {
	case question == MaxTimestampOffset:
		at, ok, err = r.log().MaxTimestamp(end)
	case question >= 0:
		at, ok, err = r.log().OffsetForTimestamp(question, end)
	default:
		err = wire.Errorf(wire.UnsupportedVersion, "ListOffsets knows no timestamp %d", question)
	}
	switch {
	case err != nil:
		return noOffset(), err
	case !ok:
		return noOffset(), r.settled()
	}
	return at, nil
}

// settled says that the high watermark has not reached this leader's epoch, or nil.
func (r *Replica) settled() error {
	if high, start := r.HighWatermark(), r.epochStart.Load(); high < start {
		return wire.Errorf(wire.OffsetNotAvailable, "%s-%d is confirmed up to %d, its leader's epoch starts at %d", r.topic, r.index, high, start)
	}
	return nil
}

// EndOffsetFor answers OffsetForLeaderEpoch: the end of the largest known epoch that is not above the given one.
func (r *Replica) EndOffsetFor(epoch int32) storage.EpochEnd {
	if epoch == r.LeaderEpoch() {
		return storage.EpochEnd{Epoch: epoch, EndOffset: r.LogEnd()}
	}
	return r.log().EndOffsetFor(epoch)
}
