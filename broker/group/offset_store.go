package group

import "time"

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
}

func newOffsetStore() offsetStore {
	return offsetStore{committed: map[string]map[string]map[int32]offset{}}
}

// of returns the committed offsets of a group by topic and partition; it is only to be read.
func (s *offsetStore) of(group string) map[string]map[int32]offset { return s.committed[group] }

func (s *offsetStore) get(group, topic string, partition int32) (offset, bool) {
	o, found := s.committed[group][topic][partition]
	return o, found
}

// has reports whether anything is kept for a group.
func (s *offsetStore) has(group string) bool { return len(s.committed[group]) > 0 }

func (s *offsetStore) set(group, topic string, partition int32, o offset) {
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

func (s *offsetStore) forget(group, topic string, partition int32) {
	topics := s.committed[group]
	delete(topics[topic], partition)
	if len(topics[topic]) == 0 {
		delete(topics, topic)
	}
	if len(topics) == 0 {
		delete(s.committed, group)
	}
}

// tombstone removes one offset and returns the record that removes it from the log.
func (s *offsetStore) tombstone(group, topic string, partition int32) Record {
	s.forget(group, topic, partition)
	return Record{Key: offsetRecordKey(group, topic, partition)}
}

// tombstones removes the offsets of a group that are chosen, and returns the records that remove them from the log.
func (s *offsetStore) tombstones(group string, choose func(topic string, o offset) bool) []Record {
	var records []Record
	for _, topic := range sortedKeys(s.of(group)) {
		for _, p := range sortedKeys(s.of(group)[topic]) {
			if choose(topic, s.of(group)[topic][p]) {
				records = append(records, s.tombstone(group, topic, p))
			}
		}
	}
	return records
}
