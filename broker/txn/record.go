package txn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// Topic is the name of the topic that keeps transactional ids.
const Topic = "__transaction_state"

// ErrUnknownVersion is wrapped by what Replay returns for a record whose key or value is of a version that this machine does not know. It
// changes nothing, and the replay can go on: Apache Kafka skips such records with a warning, since a newer broker may have left them.
var ErrUnknownVersion = errors.New("unknown version")

const (
	keyVersion = 0
	// plainVersion is the value that every Apache Kafka can read, taggedVersion has fields for KIP-890.
	plainVersion, taggedVersion = 0, 1
)

func recordKey(id string) []byte {
	key := kmsg.TxnMetadataKey{Version: keyVersion, TransactionalID: id}
	return key.AppendTo(nil)
}

// record is the transactional id as it is kept in the log, when the finalized transaction.version is the level. What has ended with a
// bump keeps the fields for that even when the level has been lowered since: without them, a reload would lose the producer id that the
// client was told to go on with.
func (t *transaction) record(level int16) Record {
	value := kmsg.NewTxnMetadataValue()
	if level >= taggedVersion || t.level >= bumpLevel {
		value.Version = taggedVersion
	}
	value.ProducerID, value.ProducerEpoch = t.producer.ID, t.producer.Epoch
	value.TimeoutMillis, value.State = t.timeoutMillis, kmsg.TransactionState(t.state)
	value.LastUpdateTimestamp, value.StartTimestamp = t.updatedMillis, t.startMillis
	value.PreviousProducerID, value.NextProducerID, value.ClientTransactionVersion = t.previousID, t.nextID, t.level
	if t.state != Empty {
		value.Topics = t.topics()
	}
	return Record{Key: recordKey(t.id), Value: value.AppendTo(nil)}
}

// topics returns the partitions by topic, in order; never nil, since nil is for Empty ids only.
func (t *transaction) topics() []kmsg.TxnMetadataValueTopic {
	topics := []kmsg.TxnMetadataValueTopic{}
	for _, p := range t.sorted() {
		if len(topics) == 0 || topics[len(topics)-1].Topic != p.Topic {
			topics = append(topics, kmsg.TxnMetadataValueTopic{Topic: p.Topic})
		}
		last := &topics[len(topics)-1]
		last.Partitions = append(last.Partitions, p.Partition)
	}
	return topics
}

// maxRecordSize bounds the record that an id with these partitions can need in any state and version, so that a transaction that could
// begin can also end. What no record can hold is larger than any bound.
func maxRecordSize(id string, partitions map[TopicPartition]struct{}) int {
	const fixed, perTopic, perPartition = 128, 8, 4
	size := fixed + len(id)
	topics := map[string]struct{}{}
	for p := range partitions {
		if len(p.Topic) > math.MaxInt16 {
			return math.MaxInt
		}
		if _, counted := topics[p.Topic]; !counted {
			topics[p.Topic] = struct{}{}
			size += perTopic + len(p.Topic)
		}
		size += perPartition
	}
	return size
}

// Replay takes one record of the log; later records of the same key win. It comes before Loaded. A record of an unknown version is an
// ErrUnknownVersion, a malformed one another error.
func (m *Machine) Replay(r Record) error {
	if len(r.Key) < 2 {
		return fmt.Errorf("replay a record of %s: key of %d bytes", Topic, len(r.Key))
	}
	if v := binary.BigEndian.Uint16(r.Key); v != keyVersion {
		return fmt.Errorf("replay a record of %s: key of version %d: %w", Topic, v, ErrUnknownVersion)
	}
	var key kmsg.TxnMetadataKey
	if err := key.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("replay a record of %s: key: %w", Topic, err)
	}
	if r.Value == nil {
		delete(m.transactions, key.TransactionalID)
		return nil
	}
	t, err := decode(key.TransactionalID, r.Value)
	if err != nil {
		return fmt.Errorf("replay transactional id %q: %w", key.TransactionalID, err)
	}
	m.transactions[t.id] = t
	return nil
}

func decode(id string, raw []byte) (*transaction, error) {
	if len(raw) < 2 {
		return nil, fmt.Errorf("value of %d bytes", len(raw))
	}
	if v := int16(binary.BigEndian.Uint16(raw)); v < plainVersion || v > taggedVersion { //nolint:gosec // Kafka's versions are signed
		return nil, fmt.Errorf("value of version %d: %w", v, ErrUnknownVersion)
	}
	var value kmsg.TxnMetadataValue
	if err := wire.ReadValue(raw, &value); err != nil {
		return nil, err
	}
	t := newTransaction(id)
	t.state = State(value.State)
	t.producer = Producer{ID: value.ProducerID, Epoch: value.ProducerEpoch}
	t.previousID, t.nextID, t.level = value.PreviousProducerID, value.NextProducerID, value.ClientTransactionVersion
	t.timeoutMillis, t.startMillis, t.updatedMillis = value.TimeoutMillis, value.StartTimestamp, value.LastUpdateTimestamp
	switch {
	case t.state < Empty || t.state > CompleteAbort:
		return nil, fmt.Errorf("state %d", t.state)
	case t.producer.ID < 0 || t.producer.Epoch < 0:
		return nil, fmt.Errorf("producer id %d with epoch %d", t.producer.ID, t.producer.Epoch)
	case t.state == Empty:
		return t, nil
	case value.Topics == nil:
		return nil, fmt.Errorf("no partitions in state %s", t.state)
	}
	for _, topic := range value.Topics {
		for _, p := range topic.Partitions {
			t.partitions[TopicPartition{Topic: topic.Topic, Partition: p}] = struct{}{}
		}
	}
	return t, nil
}
