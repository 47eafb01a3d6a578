package storage

import "github.com/chronik-stream/chronik/broker/record"

// firstRecordSince looks in one batch for the first record at or behind an offset that has a timestamp of ts or later.
func firstRecordSince(walker *record.Walker, batch []byte, h *header, ts, from int64) (found TimestampOffset, ok bool, err error) {
	err = walker.Times(record.Batch(batch), func(offset, timestamp int64) bool {
		if timestamp < ts || offset < from {
			return true
		}
		found, ok = TimestampOffset{Offset: offset, Timestamp: timestamp, LeaderEpoch: h.leaderEpoch}, true
		return false
	})
	return found, ok, err
}
