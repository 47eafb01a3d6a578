package record

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// HeaderSize is the size of a batch without records, in bytes.
const HeaderSize = 61

// Offsets of the fields (DefaultRecordBatch of Apache Kafka).
const (
	baseOffsetAt  = 0
	lengthAt      = 8
	leaderEpochAt = 12
	magicAt       = 16
	crcAt         = 17
	attributesAt  = 21
	lastDeltaAt   = 23
	baseTimeAt    = 27
	maxTimeAt     = 35
	producerIDAt  = 43
	epochAt       = 51
	sequenceAt    = 53
	countAt       = 57

	// prefixSize is what BatchLength does not count: the base offset and itself.
	prefixSize = 12
)

// Bits of the attributes.
const (
	codecMask        = 0x07
	logAppendTimeBit = 1 << 3
	transactionalBit = 1 << 4
	controlBit       = 1 << 5
	deleteHorizonBit = 1 << 6
)

// Batch is the bytes of one batch, header first. Its methods need at least HeaderSize bytes.
type Batch []byte

// BaseOffset is the offset of the record with delta 0.
func (b Batch) BaseOffset() int64 { return int64(binary.BigEndian.Uint64(b[baseOffsetAt:])) } //nolint:gosec // two's complement on the wire

// Size is the size that the header claims, in bytes, with the prefix.
func (b Batch) Size() int64 { return int64(int32(binary.BigEndian.Uint32(b[lengthAt:]))) + prefixSize } //nolint:gosec // as above

// LeaderEpoch is the leader's epoch, -1 for none.
func (b Batch) LeaderEpoch() int32 { return b.int32(leaderEpochAt) }

// Magic is the format's version.
func (b Batch) Magic() int8 { return int8(b[magicAt]) } //nolint:gosec // as above

// CRC is the stored checksum.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[crcAt:]) }

// ComputeCRC is the CRC-32C of all from the attributes to the end.
func (b Batch) ComputeCRC() uint32 { return crc32.Checksum(b[attributesAt:], castagnoli()) }

// Codec is how the records are compressed.
func (b Batch) Codec() Codec { return Codec(b[attributesAt+1] & codecMask) }

// LogAppendTime reports whether MaxTimestamp is the broker's time and stands for every record.
func (b Batch) LogAppendTime() bool { return b[attributesAt+1]&logAppendTimeBit != 0 }

// Transactional reports whether the batch belongs to a transaction.
func (b Batch) Transactional() bool { return b[attributesAt+1]&transactionalBit != 0 }

// Control reports whether the batch is a marker of the broker.
func (b Batch) Control() bool { return b[attributesAt+1]&controlBit != 0 }

// HasDeleteHorizon reports whether BaseTimestamp is the time from which tombstones may go.
func (b Batch) HasDeleteHorizon() bool { return b[attributesAt+1]&deleteHorizonBit != 0 }

// LastOffsetDelta is the offset of the last record from BaseOffset; compaction keeps it.
func (b Batch) LastOffsetDelta() int32 { return b.int32(lastDeltaAt) }

// LastOffset is the offset of the last record.
func (b Batch) LastOffset() int64 { return b.BaseOffset() + int64(b.LastOffsetDelta()) }

// BaseTimestamp is what the records' timestamps count from, in milliseconds.
func (b Batch) BaseTimestamp() int64 { return b.int64(baseTimeAt) }

// MaxTimestamp is the largest timestamp, in milliseconds.
func (b Batch) MaxTimestamp() int64 { return b.int64(maxTimeAt) }

// ProducerID is the idempotent producer's id, -1 for none.
func (b Batch) ProducerID() int64 { return b.int64(producerIDAt) }

// ProducerEpoch is the producer's epoch, -1 for none.
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[epochAt:])) } //nolint:gosec // as above

// BaseSequence is the sequence of the first record, -1 for none.
func (b Batch) BaseSequence() int32 { return b.int32(sequenceAt) }

// LastSequence is the sequence of the last record; it wraps from 2147483647 to 0.
func (b Batch) LastSequence() int32 {
	first, delta := b.BaseSequence(), b.LastOffsetDelta()
	if first > math.MaxInt32-delta {
		return delta - (math.MaxInt32 - first) - 1
	}
	return first + delta
}

// Count is the number of records.
func (b Batch) Count() int32 { return b.int32(countAt) }

// Records is the bytes after the header, compressed as Codec says.
func (b Batch) Records() []byte { return b[HeaderSize:] }

// SetBaseOffset stamps the first offset; the checksum does not cover it.
func (b Batch) SetBaseOffset(o int64) { binary.BigEndian.PutUint64(b[baseOffsetAt:], uint64(o)) } //nolint:gosec // as above

// SetLeaderEpoch stamps the leader's epoch; the checksum does not cover it.
func (b Batch) SetLeaderEpoch(e int32) { binary.BigEndian.PutUint32(b[leaderEpochAt:], uint32(e)) } //nolint:gosec // as above

// setTimes sets the timestamp type and the largest timestamp, and reports whether that changes anything. The checksum is then to
// be made anew.
func (b Batch) setTimes(logAppendTime bool, maxTimestamp int64) (changed bool) {
	attributes := b[attributesAt+1] &^ logAppendTimeBit
	if logAppendTime {
		attributes |= logAppendTimeBit
	}
	if attributes == b[attributesAt+1] && maxTimestamp == b.MaxTimestamp() {
		return false
	}
	b[attributesAt+1] = attributes
	binary.BigEndian.PutUint64(b[maxTimeAt:], uint64(maxTimestamp)) //nolint:gosec // as above
	return true
}

// setSize takes over the codec and the length that a batch has got. The checksum is then to be made anew.
func (b Batch) setSize(codec Codec) {
	b[attributesAt+1] = b[attributesAt+1]&^codecMask | byte(codec)
	binary.BigEndian.PutUint32(b[lengthAt:], uint32(len(b)-prefixSize)) //nolint:gosec // batches are far below 2 GiB
}

// setProducer sets whom a batch is of. The checksum is then to be made anew.
func (b Batch) setProducer(id int64, epoch int16, sequence int32) {
	binary.BigEndian.PutUint64(b[producerIDAt:], uint64(id))     //nolint:gosec // as above
	binary.BigEndian.PutUint16(b[epochAt:], uint16(epoch))       //nolint:gosec // as above
	binary.BigEndian.PutUint32(b[sequenceAt:], uint32(sequence)) //nolint:gosec // as above
}

func (b Batch) sign() { binary.BigEndian.PutUint32(b[crcAt:], b.ComputeCRC()) }

func (b Batch) int32(at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) } //nolint:gosec // as above
func (b Batch) int64(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) } //nolint:gosec // as above

// castagnoli returns the polynomial's table; crc32 keeps it, so this costs a comparison.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
