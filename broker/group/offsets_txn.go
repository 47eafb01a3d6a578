package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// txnOffset is an offset that a transaction commits.
type txnOffset struct {
	partitionKey
	offset
}

// commitTxn writes offsets into a transaction. They are pending once the log has taken them, which it may refuse.
func (m *Machine) commitTxn(ticket uint64, q CommitTxn) {
	if code := m.validateTxn(q); code != wire.None {
		m.refuse(ticket, code)
		return
	}
	r, offsets := m.txnOffsets(q)
	records := make([]Record, len(offsets))
	size := 0
	for i, o := range offsets {
		records[i] = o.record(q.Group, o.topic, o.partition)
		size += records[i].Size()
	}
	if size > m.cfg.MaxAppendBytes {
		m.refuse(ticket, wire.InvalidCommitOffsetSize)
		return
	}
	if len(records) > 0 {
		m.outbox.AppendFor(coordinator.Producer{ID: q.ProducerID, Epoch: q.ProducerEpoch, Guard: q.Guard}, records...)
		m.unsettled = func() { m.addPending(q.ProducerID, q.Group, offsets) }
	}
	m.answer(ticket, r)
}

// validateTxn lets members commit in their generation, in any state of the group, and producers that do not say who they are always:
// their transactional id has fenced the others (KIP-447).
func (m *Machine) validateTxn(q CommitTxn) int16 {
	if g := m.modern[q.Group]; g != nil {
		return m.validateTxnOf(g, q)
	}
	g := m.groups[q.Group]
	switch {
	case g == nil && q.Generation >= 0:
		return wire.IllegalGeneration
	case g == nil || q.Generation < 0 && (g.state == Empty || q.MemberID == "" && q.InstanceID == nil):
		return wire.None
	}
	if code := g.validate(q.MemberID, q.InstanceID); code != wire.None {
		return code
	}
	if q.Generation != g.generation {
		return wire.IllegalGeneration
	}
	return wire.None
}

// txnOffsets are what a request commits, without topic ids as Apache Kafka's, and the answer to it.
func (m *Machine) txnOffsets(q CommitTxn) (*kmsg.TxnOffsetCommitResponse, []txnOffset) {
	r := kmsg.NewPtrTxnOffsetCommitResponse()
	var offsets []txnOffset
	for _, topic := range q.Topics {
		answer := kmsg.NewTxnOffsetCommitResponseTopic()
		answer.Topic = topic.Topic
		for _, p := range topic.Partitions {
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition = p.Partition
			o := txnOffset{partitionKey{topic.Topic, p.Partition}, offset{offset: p.Offset, leaderEpoch: p.LeaderEpoch, committed: m.now}}
			if p.Metadata != nil {
				o.metadata = *p.Metadata
			}
			if longerThan(o.metadata, m.cfg.MaxOffsetMetadata) {
				one.ErrorCode = wire.OffsetMetadataTooLarge
			} else {
				offsets = append(offsets, o)
			}
			answer.Partitions = append(answer.Partitions, one)
		}
		r.Topics = append(r.Topics, answer)
	}
	return r, offsets
}

func (m *Machine) addPending(producerID int64, group string, offsets []txnOffset) {
	if m.groups[group] == nil && m.modern[group] == nil {
		m.create(group)
	}
	for _, o := range offsets {
		m.offsets.add(producerID, group, o.topic, o.partition, o.offset)
	}
}

// endTxn writes a marker. What it ends has ended once the log has taken it, in the order of the other appends.
func (m *Machine) endTxn(ticket uint64, q EndTxn) {
	m.outbox.AppendMarker(q.Marker)
	m.unsettled = func() { m.endTransaction(q.Marker) }
	m.answer(ticket, nil)
}

func (m *Machine) endTransaction(marker coordinator.Marker) {
	for id := range m.offsets.end(marker.ProducerID, marker.Commit) {
		if g := m.groups[id]; g != nil {
			m.dropIfUnused(g)
		}
	}
}
