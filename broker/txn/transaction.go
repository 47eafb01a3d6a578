package txn

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

const (
	// none stands for no producer id, epoch or start.
	none = -1
	// bumpLevel is the transaction.version from which on every end of a transaction bumps the epoch (KIP-890).
	bumpLevel = 2
	// lastEpoch is the last epoch that a producer is given; the one above it is only ever used to fence.
	lastEpoch = math.MaxInt16 - 1
)

// transaction is one transactional id with its present or last transaction.
type transaction struct {
	id    string
	state State
	// producer is who may act. While the state is decided, its epoch is that of the markers.
	producer Producer
	// previousID is the producer id before the last change, nextID the one that takes over when the transaction is complete.
	previousID, nextID int64
	// previousEpoch is the one that a producer may still name when it missed the answer to a bump. It is not in the log.
	previousEpoch int16
	timeoutMillis int32
	// level is the transaction.version that the client used.
	level int16
	// partitions are those of the transaction; once its outcome is decided, those whose markers are missing.
	partitions map[TopicPartition]struct{}
	// startMillis is none where no transaction has begun.
	startMillis, updatedMillis int64
	// began is when the time began that an Ongoing transaction has. It is not in the log: there is only what the clock said at the start.
	began time.Time
	// pause is how long to wait before missing markers are sent again; it is not in the log.
	pause time.Duration
}

func newTransaction(id string) *transaction {
	return &transaction{
		id: id, producer: Producer{none, none}, previousID: none, nextID: none, previousEpoch: none, startMillis: none,
		partitions: map[TopicPartition]struct{}{},
	}
}

// enter changes the state, and remembers the producer id as the previous one, as Apache Kafka does at every change.
func (t *transaction) enter(s State, now time.Time) {
	t.previousID, t.state, t.updatedMillis = t.producer.ID, s, now.UnixMilli()
}

// exhausted reports whether a producer of this epoch needs another id before the next bump.
func exhausted(epoch int16) bool { return epoch >= lastEpoch }

// bumped is the producer with the next epoch; above the one that fences there is none.
func (p Producer) bumped() Producer {
	if p.Epoch < math.MaxInt16 {
		p.Epoch++
	}
	return p
}

func (t *transaction) hasAll(partitions []TopicPartition) bool {
	return !slices.ContainsFunc(partitions, func(p TopicPartition) bool { return !t.has(p) })
}

func (t *transaction) has(p TopicPartition) bool {
	_, found := t.partitions[p]
	return found
}

// sorted returns the partitions by topic and number.
func (t *transaction) sorted() []TopicPartition {
	return slices.SortedFunc(maps.Keys(t.partitions), func(a, b TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}
