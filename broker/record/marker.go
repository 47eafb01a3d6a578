package record

import "encoding/binary"

// EndTxn is a transaction marker: the control batch that ends a producer's transaction in a partition (EndTransactionMarker of
// Apache Kafka).
type EndTxn struct {
	ProducerID int64
	// Epoch is the producer's epoch from here on: of transaction version 2 on the one behind that of the transaction's records.
	Epoch int16
	// Commit says that the transaction's records count; else they are aborted.
	Commit bool
	// CoordinatorEpoch is the leader epoch of the partition of __transaction_state whose leader sent the marker.
	CoordinatorEpoch int32
}

// The types of control records (ControlRecordType), and the sizes of what stands in a marker: {version, type} and
// {version, coordinator epoch}, of which later versions may be longer.
const (
	abortType   = 0
	commitType  = 1
	markerKey   = 4
	markerValue = 6
)

// MarkerBatch makes the batch of a marker, whose timestamp is in milliseconds.
func MarkerBatch(m EndTxn, timestamp int64) Batch {
	key := make([]byte, markerKey)
	if m.Commit {
		binary.BigEndian.PutUint16(key[2:], commitType)
	}
	value := make([]byte, markerValue)
	binary.BigEndian.PutUint32(value[2:], uint32(m.CoordinatorEpoch)) //nolint:gosec // two's complement
	var b Builder
	b.Add(timestamp, key, value)
	out := b.Batch()
	out[attributesAt+1] = transactionalBit | controlBit
	out.setProducer(m.ProducerID, m.Epoch, -1)
	out.sign()
	return out
}

// EndTxn returns the marker that a whole batch is; ok is false if it is none.
func (b Batch) EndTxn() (m EndTxn, ok bool) {
	if !b.Control() || b.ProducerID() < 0 || b.Count() < 1 || b.Codec() != None {
		return m, false
	}
	d := decoder{data: b.Records()}
	r := d.record(b)
	if d.err != nil || len(r.Key) < markerKey || len(r.Value) < markerValue {
		return m, false
	}
	kind := binary.BigEndian.Uint16(r.Key[2:])
	m = EndTxn{
		ProducerID: b.ProducerID(), Epoch: b.ProducerEpoch(), Commit: kind == commitType,
		CoordinatorEpoch: int32(binary.BigEndian.Uint32(r.Value[2:])), //nolint:gosec // two's complement
	}
	return m, kind == abortType || kind == commitType
}
