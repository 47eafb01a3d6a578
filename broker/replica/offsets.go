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
// the end for the isolation level does not exist.
func (r *Replica) Offset(question int64, readCommitted bool) (FoundOffset, error) {
	end := r.EndFor(readCommitted)
	switch question {
	case LatestOffset:
		return FoundOffset{Offset: end, Timestamp: -1, LeaderEpoch: r.LeaderEpoch()}, nil
	case EarliestOffset, EarliestLocal:
		at := FoundOffset{Offset: r.LogStart(), Timestamp: -1, LeaderEpoch: -1}
		if epoch, known := r.log.EpochAt(at.Offset); known {
			at.LeaderEpoch = epoch
		}
		return at, nil
	case LatestTiered, EarliestPending:
		return noOffset(), nil // there are no tiers
	case MaxTimestampOffset:
		return found(r.log.MaxTimestamp(end))
	}
	if question < 0 {
		return noOffset(), wire.Errorf(wire.UnsupportedVersion, "ListOffsets knows no timestamp %d", question)
	}
	return found(r.log.OffsetForTimestamp(question, end))
}

func found(at FoundOffset, ok bool, err error) (FoundOffset, error) {
	if err != nil || !ok {
		return noOffset(), err
	}
	return at, nil
}

// EndOffsetFor answers OffsetForLeaderEpoch: the end of the largest known epoch that is not above the given one.
func (r *Replica) EndOffsetFor(epoch int32) storage.EpochEnd {
	if epoch == r.LeaderEpoch() {
		return storage.EpochEnd{Epoch: epoch, EndOffset: r.LogEnd()}
	}
	return r.log.EndOffsetFor(epoch)
}
