package storage

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/chronik-stream/chronik/broker/record"
)

// The header of a record batch v2 (org.apache.kafka.common.record.DefaultRecordBatch).
const (
	batchHeaderBytes = 61
	// batchOverhead is what the length field does not count.
	batchOverhead = 12
	batchMagic    = 2
	// batchCRCFrom is where what the checksum covers begins.
	batchCRCFrom = 21

	attrLogAppendTime = 1 << 3
	attrTransactional = 1 << 4
	attrControl       = 1 << 5

	markerAbort  = 0
	markerCommit = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is a parsed batch header.
type header struct {
	base, size    int64 // size is that of the whole batch
	leaderEpoch   int32
	crc           uint32
	attributes    int16
	lastDelta     int32
	maxTimestamp  int64
	producerID    int64
	producerEpoch int16
	baseSequence  int32
	count         int32
}

func (h *header) last() int64         { return h.base + int64(h.lastDelta) }
func (h *header) control() bool       { return h.attributes&attrControl != 0 }
func (h *header) transactional() bool { return h.attributes&attrTransactional != 0 }
func (h *header) hasProducer() bool   { return h.producerID >= 0 }

// lastSequence is the sequence number of the last record; numbers wrap after 2147483647.
func (h *header) lastSequence() int32 {
	if h.baseSequence < 0 {
		return -1
	}
	return addSequence(h.baseSequence, h.lastDelta)
}

// parseHeader reads the header of a batch, of which b has to hold 61 bytes at least; false for what is no batch v2.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < batchHeaderBytes || b[16] != batchMagic {
		return h, false
	}
	h = header{
		base:          i64(b),
		size:          int64(i32(b[8:])) + batchOverhead,
		leaderEpoch:   i32(b[12:]),
		crc:           binary.BigEndian.Uint32(b[17:]),
		attributes:    i16(b[21:]),
		lastDelta:     i32(b[23:]),
		maxTimestamp:  i64(b[35:]),
		producerID:    i64(b[43:]),
		producerEpoch: i16(b[51:]),
		baseSequence:  i32(b[53:]),
		count:         i32(b[57:]),
	}
	return h, h.size >= batchHeaderBytes && h.lastDelta >= 0 && h.base >= 0 && h.last() >= h.base // no offset is beyond 2^63
}

// checkCRC verifies a whole batch.
func (h *header) checkCRC(b []byte) bool {
	return crc32.Checksum(b[batchCRCFrom:h.size], castagnoli) == h.crc
}

// patch stamps offset and leader epoch, which the checksum does not cover.
func patch(b []byte, base int64, leaderEpoch int32) {
	binary.BigEndian.PutUint64(b, uint64(base))             //nolint:gosec // bits
	binary.BigEndian.PutUint32(b[12:], uint32(leaderEpoch)) //nolint:gosec // bits
}

// marker is the one record of a transaction marker's batch.
type marker struct {
	kind             int16
	coordinatorEpoch int32
}

// parseMarker reads a whole control batch; false where it is no transaction marker.
func parseMarker(b []byte, h *header) (m marker, ok bool) {
	if !h.control() || h.size > int64(len(b)) {
		return m, false
	}
	end, ok := record.Batch(b[:h.size]).EndTxn()
	if end.Commit {
		m.kind = markerCommit
	}
	m.coordinatorEpoch = end.CoordinatorEpoch
	return m, ok
}

func i64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // bits
func i32(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) } //nolint:gosec // bits
func i16(b []byte) int16 { return int16(binary.BigEndian.Uint16(b)) } //nolint:gosec // bits

func addSequence(s, n int32) int32 {
	const maximum = 1<<31 - 1
	if s > maximum-n {
		return n - (maximum - s) - 1
	}
	return s + n
}
