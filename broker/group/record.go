package group

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/consumerlog"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Topic is the name of the topic that keeps groups and offsets.
const Topic = "__consumer_offsets"

// Types of keys in __consumer_offsets, beside those of consumerlog. Others belong to protocols that this machine does not speak and are
// skipped.
const (
	oldOffsetKey = 0
	offsetKey    = 1
	groupKey     = 2
)

// Versions of the values that Apache Kafka 4.3 writes.
const (
	groupValueVersion          = 3
	offsetValueVersion         = 4
	expiringOffsetValueVersion = 1
)

// record is the group as it is kept in the log.
func (g *group) record() Record {
	value := kmsg.GroupMetadataValue{
		Version: groupValueVersion, ProtocolType: g.protocolType, Generation: g.generation, Protocol: g.protocol,
		CurrentStateTimestamp: -1,
	}
	if g.leader != "" {
		value.Leader = &g.leader
	}
	if !g.since.IsZero() {
		value.CurrentStateTimestamp = g.since.UnixMilli()
	}
	for _, mb := range g.order {
		one := kmsg.NewGroupMetadataValueMember()
		one.MemberID, one.InstanceID, one.ClientID, one.ClientHost = mb.id, mb.instance, mb.clientID, mb.clientHost
		one.RebalanceTimeoutMillis = int32(mb.rebalanceTimeout.Milliseconds()) //nolint:gosec // it came as an int32
		one.SessionTimeoutMillis = int32(mb.sessionTimeout.Milliseconds())     //nolint:gosec // it came as an int32
		one.Subscription, one.Assignment = mb.metadata(g.protocolName()), mb.assignment
		value.Members = append(value.Members, one)
	}
	return Record{Key: groupRecordKey(g.id), Value: value.AppendTo(nil)}
}

func groupRecordKey(id string) []byte {
	key := kmsg.GroupMetadataKey{Version: groupKey, Group: id}
	return key.AppendTo(nil)
}

func offsetRecordKey(group, topic string, partition int32) []byte {
	key := kmsg.OffsetCommitKey{Version: offsetKey, Group: group, Topic: topic, Partition: partition}
	return key.AppendTo(nil)
}

func (o offset) record(group, topic string, partition int32) Record {
	value := kmsg.OffsetCommitValue{
		Version: offsetValueVersion, Offset: o.offset, LeaderEpoch: o.leaderEpoch, Metadata: o.metadata,
		CommitTimestamp: o.committed.UnixMilli(), ExpireTimestamp: -1, TopicID: o.topicID,
	}
	if !o.expires.IsZero() {
		value.Version = expiringOffsetValueVersion
		value.ExpireTimestamp = o.expires.UnixMilli()
	}
	return Record{Key: offsetRecordKey(group, topic, partition), Value: value.AppendTo(nil)}
}

// Replay takes one entry of the log; later records of the same key win. It comes before Loaded. Keys of unknown types are skipped;
// a malformed record of a known type is an error.
func (m *Machine) Replay(e Entry) error {
	if e.Marker != nil {
		m.endTransaction(*e.Marker)
		return nil
	}
	r := e.Record
	if len(r.Key) < 2 {
		return fmt.Errorf("replay a record of __consumer_offsets: key of %d bytes", len(r.Key))
	}
	switch binary.BigEndian.Uint16(r.Key) {
	case oldOffsetKey, offsetKey:
		return m.replayOffset(e)
	case groupKey:
		return m.replayGroup(r)
	default:
		k, known, err := consumerlog.ReadKey(r.Key)
		if err != nil || !known {
			return err
		}
		return m.replayModern(k, r.Value)
	}
}

func (m *Machine) replayOffset(r Entry) error {
	var key kmsg.OffsetCommitKey
	if err := key.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("replay an offset: key: %w", err)
	}
	g := m.groups[key.Group]
	if r.Value == nil {
		m.offsets.forget(key.Group, key.Topic, key.Partition)
		if g != nil {
			m.dropIfUnused(g)
		}
		return nil
	}
	var value kmsg.OffsetCommitValue
	if err := wire.ReadValue(r.Value, &value); err != nil {
		return fmt.Errorf("replay an offset of group %q, topic %q, partition %d: %w", key.Group, key.Topic, key.Partition, err)
	}
	if g == nil {
		m.create(key.Group)
	}
	o := offset{
		offset: value.Offset, leaderEpoch: value.LeaderEpoch, metadata: value.Metadata,
		committed: time.UnixMilli(value.CommitTimestamp), topicID: value.TopicID,
	}
	if value.Version < 3 {
		o.leaderEpoch = -1
	}
	if value.Version == expiringOffsetValueVersion && value.ExpireTimestamp >= 0 {
		o.expires = time.UnixMilli(value.ExpireTimestamp)
	}
	if r.Transactional {
		m.offsets.add(r.ProducerID, key.Group, key.Topic, key.Partition, o)
	} else {
		m.offsets.set(key.Group, key.Topic, key.Partition, o)
	}
	return nil
}

func (m *Machine) replayGroup(r Record) error {
	var key kmsg.GroupMetadataKey
	if err := key.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("replay a group: key: %w", err)
	}
	fresh := newGroup(key.Group)
	m.groups[key.Group] = fresh
	if r.Value == nil {
		m.dropIfUnused(fresh)
		return nil
	}
	var value kmsg.GroupMetadataValue
	if err := wire.ReadValue(r.Value, &value); err != nil {
		return fmt.Errorf("replay group %q: %w", key.Group, err)
	}
	fresh.restore(&value)
	return nil
}

func (g *group) restore(value *kmsg.GroupMetadataValue) {
	g.stored = true
	g.generation, g.protocolType, g.protocol = value.Generation, value.ProtocolType, value.Protocol
	if value.Version >= 2 && value.CurrentStateTimestamp >= 0 {
		g.since = time.UnixMilli(value.CurrentStateTimestamp)
	}
	for i := range value.Members {
		one := &value.Members[i]
		mb := &member{
			id: one.MemberID, instance: one.InstanceID, clientID: one.ClientID, clientHost: one.ClientHost,
			sessionTimeout:   time.Duration(one.SessionTimeoutMillis) * time.Millisecond,
			rebalanceTimeout: time.Duration(one.RebalanceTimeoutMillis) * time.Millisecond,
			protocols:        []protocol{{name: g.protocolName(), metadata: bytes.Clone(one.Subscription)}},
			assignment:       bytes.Clone(one.Assignment),
		}
		if value.Version == 0 || one.RebalanceTimeoutMillis < 0 {
			mb.rebalanceTimeout = mb.sessionTimeout
		}
		g.add(mb)
	}
	if len(g.order) > 0 {
		g.state = Stable
	}
	if value.Leader != nil && g.members[*value.Leader] != nil {
		g.leader = *value.Leader
	}
	g.topics = g.subscribedTopics()
}

// loaded begins the members' sessions: none can have run out while nobody could answer a heartbeat.
func (m *Machine) loaded() {
	m.loadedModern()
	for _, id := range sortedKeys(m.groups) {
		g := m.groups[id]
		for _, mb := range g.order {
			m.keepAlive(g, mb)
		}
		if len(g.order) > m.cfg.MaxSize {
			m.prepareRebalance(g)
		}
	}
	m.timers.set(timerKey{kind: expiryTimer}, m.now.Add(m.cfg.ExpiryInterval))
}
