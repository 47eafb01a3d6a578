package group

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/group/assign"
	"github.com/chronik-stream/chronik/broker/group/consumerlog"
)

// tombstoneOf deletes what a key names.
func (g *modernGroup) tombstoneOf(t consumerlog.Type, name string) Record {
	return Record{Key: consumerlog.Key{Type: t, Group: g.id, Name: name}.AppendTo(nil)}
}

func (g *modernGroup) recordOf(t consumerlog.Type, name string, value []byte) Record {
	r := g.tombstoneOf(t, name)
	r.Value = value
	return r
}

func (g *modernGroup) groupRecord() Record {
	return g.recordOf(consumerlog.GroupType, "", consumerlog.Group{Epoch: g.epoch, MetadataHash: g.hash}.Value())
}

func (g *modernGroup) memberRecord(id string, told *consumerlog.Member) Record {
	return g.recordOf(consumerlog.MemberType, id, told.Value())
}

func (g *modernGroup) targetRecord() Record {
	t := consumerlog.Target{Epoch: g.assignmentEpoch}
	if !g.assignedAt.IsZero() {
		t.Millis = g.assignedAt.UnixMilli()
	}
	return g.recordOf(consumerlog.TargetType, "", t.Value())
}

func (g *modernGroup) targetMemberRecord(id string) Record {
	target := g.target[id]
	var t consumerlog.TargetMember
	for _, topic := range sortedTopics(target) {
		t.Topics = append(t.Topics, consumerlog.TopicPartitions{Topic: topic, Partitions: target[topic]})
	}
	return g.recordOf(consumerlog.TargetMemberType, id, t.Value())
}

func (g *modernGroup) placeRecord(mb *modernMember) Record {
	c := consumerlog.Current{
		Epoch: mb.epoch, PreviousEpoch: mb.previous, State: mb.state,
		Assigned: mb.assigned.logged(), Revoking: mb.revoking.logged(),
	}
	return g.recordOf(consumerlog.CurrentType, mb.id, c.Value())
}

func (g *modernGroup) regexRecord(pattern string) Record {
	return g.recordOf(consumerlog.RegexType, pattern, g.resolved[pattern].Value())
}

// memberTombstones delete a member.
func (g *modernGroup) memberTombstones(id string) []Record {
	return []Record{
		g.tombstoneOf(consumerlog.CurrentType, id), g.tombstoneOf(consumerlog.TargetMemberType, id), g.tombstoneOf(consumerlog.MemberType, id),
	}
}

// tombstones delete the group, in the order in which Apache Kafka can replay them.
func (g *modernGroup) tombstones() []Record {
	var records []Record
	members := sortedKeys(g.members)
	each := func(t consumerlog.Type, names []string) {
		for _, name := range names {
			records = append(records, g.tombstoneOf(t, name))
		}
	}
	each(consumerlog.CurrentType, members)
	each(consumerlog.TargetMemberType, members)
	each(consumerlog.TargetType, []string{""})
	each(consumerlog.MemberType, members)
	each(consumerlog.RegexType, sortedKeys(g.resolved))
	if g.oldTopics {
		each(consumerlog.PartitionsType, []string{""})
	}
	each(consumerlog.GroupType, []string{""})
	return records
}

func sortedTopics[V any](of map[assign.TopicID]V) []assign.TopicID {
	return slices.SortedFunc(maps.Keys(of), func(a, b assign.TopicID) int { return bytes.Compare(a[:], b[:]) })
}

func (e epochs) logged() []consumerlog.TopicEpochs {
	var topics []consumerlog.TopicEpochs
	for _, topic := range sortedTopics(e) {
		one := consumerlog.TopicEpochs{Topic: topic}
		for _, p := range sortedKeys(e[topic]) {
			one.Partitions = append(one.Partitions, consumerlog.PartitionEpoch{Partition: p, Epoch: e[topic][p]})
		}
		topics = append(topics, one)
	}
	return topics
}

func replayedEpochs(topics []consumerlog.TopicEpochs) epochs {
	e := epochs{}
	for _, t := range topics {
		for _, p := range t.Partitions {
			e.set(t.Topic, p.Partition, p.Epoch)
		}
	}
	return e
}

func (e epochs) set(topic assign.TopicID, partition, epoch int32) {
	of := e[topic]
	if of == nil {
		of = map[int32]int32{}
		e[topic] = of
	}
	of[partition] = epoch
}

func replayedTime(millis int64) time.Time {
	if millis <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}
