package group

import (
	"maps"
	"slices"
	"time"
)

// offset is what a group has committed for one partition.
type offset struct {
	offset      int64
	leaderEpoch int32
	metadata    string
	committed   time.Time
	// expires is set by clients of old that choose their own retention; else zero.
	expires time.Time
	// topicID tells a topic from an earlier one of the same name; zero where it is not known.
	topicID [16]byte
	// order grows with the place in the log: of two offsets, the later one counts.
	order uint64
}

// isOf reports whether the offset was committed for the topic with this id; an id that is not known matches any.
func (o offset) isOf(id [16]byte) bool {
	var unknown [16]byte
	return o.topicID == id || o.topicID == unknown || id == unknown
}

// offsetStore holds the offsets of groups by group id, topic and partition. It stands beside the groups, because a group may change its
// protocol, or have no members, and keeps its offsets (Apache Kafka's OffsetMetadataManager).
type offsetStore struct {
	committed map[string]map[string]map[int32]offset
	pending   pendingOffsets
	// order is that of the last offset that came.
	order uint64
}

func newOffsetStore() offsetStore {
	return offsetStore{committed: map[string]map[string]map[int32]offset{}, pending: newPendingOffsets()}
}

// of returns the committed offsets of a group by topic and partition; it is only to be read.
func (s *offsetStore) of(group string) map[string]map[int32]offset { return s.committed[group] }

func (s *offsetStore) get(group, topic string, partition int32) (offset, bool) {
	o, found := s.committed[group][topic][partition]
	return o, found
}

// has reports whether anything is kept for a group, or may be when a transaction ends.
func (s *offsetStore) has(group string) bool {
	return len(s.committed[group]) > 0 || len(s.pending.open[group]) > 0
}

// unstable reports whether an open transaction has an offset for the partition.
func (s *offsetStore) unstable(group, topic string, partition int32) bool {
	return len(s.pending.open[group][partitionKey{topic, partition}]) > 0
}

// set commits an offset that comes now.
func (s *offsetStore) set(group, topic string, partition int32, o offset) {
	s.order++
	o.order = s.order
	s.put(group, topic, partition, o)
}

func (s *offsetStore) put(group, topic string, partition int32, o offset) {
	topics := s.committed[group]
	if topics == nil {
		topics = map[string]map[int32]offset{}
		s.committed[group] = topics
	}
	partitions := topics[topic]
	if partitions == nil {
		partitions = map[int32]offset{}
		topics[topic] = partitions
	}
	partitions[partition] = o
}

// add takes an offset that comes now and belongs to an open transaction.
func (s *offsetStore) add(producerID int64, group, topic string, partition int32, o offset) {
	s.order++
	o.order = s.order
	s.pending.add(producerID, groupPartition{group, partitionKey{topic, partition}}, o)
}

// end commits or drops the offsets of a producer's transaction, and returns the groups that had some. What came later than a pending
// offset has replaced it, whichever transaction ends first.
func (s *offsetStore) end(producerID int64, commit bool) (groups map[string]struct{}) {
	groups = map[string]struct{}{}
	for k, o := range s.pending.take(producerID) {
		groups[k.group] = struct{}{}
		if old, found := s.get(k.group, k.topic, k.partition); commit && (!found || old.order < o.order) {
			s.put(k.group, k.topic, k.partition, o)
		}
	}
	return groups
}

// forget removes the offset of a partition, pending ones too.
func (s *offsetStore) forget(group, topic string, partition int32) {
	topics := s.committed[group]
	delete(topics[topic], partition)
	if len(topics[topic]) == 0 {
		delete(topics, topic)
	}
	if len(topics) == 0 {
		delete(s.committed, group)
	}
	s.pending.forget(groupPartition{group, partitionKey{topic, partition}})
}

// tombstone removes the offset of a partition, pending ones too, and returns the record that removes them from the log.
func (s *offsetStore) tombstone(group, topic string, partition int32) Record {
	s.forget(group, topic, partition)
	return Record{Key: offsetRecordKey(group, topic, partition)}
}

// tombstones removes the partitions of a group of which an offset is chosen, committed or pending, and returns the records that remove
// them from the log.
func (s *offsetStore) tombstones(group string, choose func(k partitionKey, o offset) bool) []Record {
	chosen := map[partitionKey]struct{}{}
	s.each(group, func(k partitionKey, o offset) {
		if choose(k, o) {
			chosen[k] = struct{}{}
		}
	})
	records := make([]Record, 0, len(chosen))
	for _, k := range slices.SortedFunc(maps.Keys(chosen), compareKeys) {
		records = append(records, s.tombstone(group, k.topic, k.partition))
	}
	return records
}

// each calls yield for every offset of a group, committed or pending, in no order.
func (s *offsetStore) each(group string, yield func(k partitionKey, o offset)) {
	for topic, partitions := range s.committed[group] {
		for p, o := range partitions {
			yield(partitionKey{topic, p}, o)
		}
	}
	for k, producers := range s.pending.open[group] {
		for producerID := range producers {
			yield(k, s.pending.byProducer[producerID][groupPartition{group, k}])
		}
	}
}

// groups lists the groups that have offsets, committed or pending, in order.
func (s *offsetStore) groups() []string {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(s.committed)), maps.Keys(s.pending.open))
	slices.Sort(ids)
	return slices.Compact(ids)
}
