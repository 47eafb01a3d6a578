package storage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
)

// A .snapshot file (ProducerStateManager of Apache Kafka): version, CRC-32C of what follows, count, entries.
const (
	snapshotVersion     = 1
	snapshotHeaderBytes = 10
	snapshotEntryBytes  = 46
	maxSnapshotBytes    = 512 << 20
)

var errSnapshot = errors.New("not a valid producer snapshot")

// encode returns the state as the contents of a snapshot file, by producer id, so that the same state gives the same bytes.
func (s *producers) encode() []byte {
	b := make([]byte, snapshotHeaderBytes, snapshotHeaderBytes+len(s.byID)*snapshotEntryBytes)
	binary.BigEndian.PutUint16(b, snapshotVersion)
	binary.BigEndian.PutUint32(b[6:], uint32(len(s.byID))) //nolint:gosec // bounded by memory
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		p := s.byID[id]
		last := producerBatch{lastSequence: -1, lastOffset: -1}
		if l := p.lastBatch(); l != nil {
			last = *l
		}
		b = binary.BigEndian.AppendUint64(b, uint64(id))                 //nolint:gosec // bits
		b = binary.BigEndian.AppendUint16(b, uint16(p.epoch))            //nolint:gosec // bits
		b = binary.BigEndian.AppendUint32(b, uint32(last.lastSequence))  //nolint:gosec // bits
		b = binary.BigEndian.AppendUint64(b, uint64(last.lastOffset))    //nolint:gosec // bits
		b = binary.BigEndian.AppendUint32(b, uint32(last.delta))         //nolint:gosec // bits
		b = binary.BigEndian.AppendUint64(b, uint64(p.lastTimestamp))    //nolint:gosec // bits
		b = binary.BigEndian.AppendUint32(b, uint32(p.coordinatorEpoch)) //nolint:gosec // bits
		b = binary.BigEndian.AppendUint64(b, uint64(p.txnFirst))         //nolint:gosec // bits
	}
	binary.BigEndian.PutUint32(b[2:], crc32.Checksum(b[6:], castagnoli))
	return b
}

// validSnapshot says whether b is a whole snapshot file, by its version, checksum and count.
func validSnapshot(b []byte) bool {
	return len(b) >= snapshotHeaderBytes && binary.BigEndian.Uint16(b) == snapshotVersion &&
		binary.BigEndian.Uint32(b[2:]) == crc32.Checksum(b[6:], castagnoli) &&
		uint64(binary.BigEndian.Uint32(b[6:]))*snapshotEntryBytes == uint64(len(b)-snapshotHeaderBytes) //nolint:gosec // b holds a header
}

// decodeProducers reads a snapshot file and leaves out producers that were idle for too long.
func decodeProducers(b []byte, now, expireAfter int64) (*producers, error) {
	if !validSnapshot(b) {
		return nil, errSnapshot
	}
	s := newProducers()
	for e := b[snapshotHeaderBytes:]; len(e) > 0; e = e[snapshotEntryBytes:] {
		id := i64(e)
		p := &producer{epoch: i16(e[8:]), lastTimestamp: i64(e[26:]), coordinatorEpoch: i32(e[34:]), txnFirst: i64(e[38:])}
		if last := i64(e[14:]); last >= 0 {
			p.remember(producerBatch{lastSequence: i32(e[10:]), lastOffset: last, delta: i32(e[22:]), timestamp: p.lastTimestamp})
		}
		s.byID[id] = p
		if p.txnFirst >= 0 {
			s.open[id] = p.txnFirst
		}
	}
	s.expire(now, expireAfter)
	return s, nil
}
