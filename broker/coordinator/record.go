package coordinator

// recordOverhead is what a record takes in a batch beyond its key and value, at most.
const recordOverhead = 40

// Record is one record of the coordinator's log. A nil Value is a tombstone.
type Record struct{ Key, Value []byte }

// Size is how many bytes the record takes in a batch, at most.
func (r Record) Size() int { return len(r.Key) + len(r.Value) + recordOverhead }

// Producer is a transactional producer in whose name a coordinator writes.
type Producer struct {
	ID    int64
	Epoch int16
	// Guard is what the log gave out when the producer's transaction was to be verified, 0 where it asked for none (KIP-890).
	Guard uint64
}

// Marker ends a producer's transaction in one partition.
type Marker struct {
	ProducerID int64
	Epoch      int16
	Commit     bool
	// CoordinatorEpoch is the leader epoch of the transaction's coordinator; the log fences older ones.
	CoordinatorEpoch int32
	// Level is the transaction.version under which the transaction ended; the log does not keep it.
	Level int8
}

// Entry is what a coordinator finds in its log, in the order of offsets: a record, or a marker.
type Entry struct {
	Record
	// Transactional says that the record belongs to a transaction of ProducerID, which a later marker ends.
	Transactional bool
	ProducerID    int64
	// Marker is nil for records.
	Marker *Marker
}
