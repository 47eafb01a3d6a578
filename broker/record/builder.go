package record

import "encoding/binary"

// Builder makes an uncompressed batch of the broker's own records. The zero Builder is empty and ready.
type Builder struct {
	records []byte
	scratch []byte
	count   int32
	base    int64
	max     int64

	// attributes has transactionalBit for a batch of a transaction, which producerID and epoch are then of.
	attributes byte
	producerID int64
	epoch      int16
}

// Add adds a record; a nil key or value is null. Timestamps are in milliseconds.
func (b *Builder) Add(timestamp int64, key, value []byte, headers ...Header) {
	if b.count == 0 {
		b.base, b.max = timestamp, timestamp
	}
	b.max = max(b.max, timestamp)
	body := append(b.scratch[:0], 0)
	body = binary.AppendVarint(body, timestamp-b.base)
	body = binary.AppendVarint(body, int64(b.count))
	body = appendBytes(body, key)
	body = appendBytes(body, value)
	body = binary.AppendVarint(body, int64(len(headers)))
	for _, h := range headers {
		body = appendBytes(body, []byte(h.Key))
		body = appendBytes(body, h.Value)
	}
	b.records = binary.AppendVarint(b.records, int64(len(body)))
	b.records = append(b.records, body...)
	b.scratch = body
	b.count++
}

func appendBytes(dst, p []byte) []byte {
	if p == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(p))), p...)
}

// Transaction makes the batch one of a producer's transaction. Its sequence is 0, as in the batches of Apache Kafka's coordinators
// (CoordinatorRuntime): it stands for nothing.
func (b *Builder) Transaction(producerID int64, epoch int16) {
	b.attributes, b.producerID, b.epoch = transactionalBit, producerID, epoch
}

// Count is the number of records so far.
func (b *Builder) Count() int32 { return b.count }

// Size is the size of the batch so far, in bytes.
func (b *Builder) Size() int { return HeaderSize + len(b.records) }

// Batch returns the batch: base offset 0, no leader epoch, no producer but that of Transaction. The builder is empty afterwards.
func (b *Builder) Batch() Batch {
	out := make(Batch, HeaderSize, HeaderSize+len(b.records))
	out = append(out, b.records...)
	binary.BigEndian.PutUint32(out[lengthAt:], uint32(len(out)-prefixSize)) //nolint:gosec // batches are far below 2 GiB
	out.SetLeaderEpoch(-1)
	out[magicAt] = 2
	binary.BigEndian.PutUint32(out[lastDeltaAt:], uint32(b.count-1)) //nolint:gosec // two's complement
	binary.BigEndian.PutUint64(out[baseTimeAt:], uint64(b.base))     //nolint:gosec // two's complement
	binary.BigEndian.PutUint64(out[maxTimeAt:], uint64(b.max))       //nolint:gosec // two's complement
	for i := producerIDAt; i < countAt; i++ {
		out[i] = 0xff // producer id, epoch and sequence: none
	}
	if out[attributesAt+1] = b.attributes; b.attributes&transactionalBit != 0 {
		out.setProducer(b.producerID, b.epoch, 0)
	}
	binary.BigEndian.PutUint32(out[countAt:], uint32(b.count)) //nolint:gosec // not negative
	out.sign()
	b.records, b.count, b.attributes = b.records[:0], 0, 0
	return out
}

// Batches calls yield for each whole batch of a sequence of batches, and returns what is left over.
func Batches(data []byte, yield func(Batch) bool) (rest []byte) {
	for len(data) >= HeaderSize {
		size := Batch(data).Size()
		if size < HeaderSize || size > int64(len(data)) {
			return data
		}
		if !yield(Batch(data[:size:size])) {
			return data[size:]
		}
		data = data[size:]
	}
	return data
}
