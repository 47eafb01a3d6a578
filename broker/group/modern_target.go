package group

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group/assign"
)

// partitionCounts is what assignors see of the topics.
type partitionCounts struct{ Topics }

func (c partitionCounts) Partitions(topic assign.TopicID) (int32, bool) {
	t, exists := c.ByID(topic)
	return t.Partitions, exists
}

// subscribedTopics are topics that exist and that somebody of a group subscribes to, by name.
type subscribedTopics map[string]TopicState

// subscribedTopics looks for them. Members may name any number that do not exist: those cost one look each.
func (g *modernGroup) subscribedTopics(topics Topics) subscribedTopics {
	found := subscribedTopics{}
	for name := range g.names {
		found.add(name, topics)
	}
	for pattern := range g.patterns {
		for _, name := range g.resolved[pattern].Topics {
			found.add(name, topics)
		}
	}
	return found
}

func (s subscribedTopics) add(name string, topics Topics) {
	if t, exists := topics.ByName(name); exists {
		s[name] = t
	}
}

// hash stands for the topics as they are; 0 where there are none.
func (s subscribedTopics) hash() int64 {
	if len(s) == 0 {
		return 0
	}
	sum := fnv.New64a()
	for _, name := range sortedKeys(s) {
		t := s[name]
		_, _ = io.WriteString(sum, name)
		_, _ = sum.Write(t.ID[:])
		_, _ = sum.Write(binary.BigEndian.AppendUint32(nil, uint32(t.Partitions))) //nolint:gosec // bits
	}
	return int64(sum.Sum64()) //nolint:gosec // bits
}

// rehash takes note of the topics as they are now, and reports whether they have changed.
func (g *modernGroup) rehash(s subscribedTopics, topics Topics) (changed bool) {
	old := g.hash
	g.hash, g.seen = s.hash(), topics.Version()
	return g.hash != old
}

// assignor is the one that most members ask for; of equals, the first by name. Without any it is the first of the configuration.
func (g *modernGroup) assignor(otherwise string) string {
	votes := map[string]int{}
	for _, mb := range g.members {
		if mb.told.Assignor != nil {
			votes[*mb.told.Assignor]++
		}
	}
	best := ""
	for _, name := range sortedKeys(votes) {
		if votes[name] > votes[best] {
			best = name
		}
	}
	if best == "" {
		return otherwise
	}
	return best
}

// retarget computes what each member is to have at the group's epoch and returns the records that say so. After an error all targets
// are as before, but the next try waits as long as after a success: each heartbeat of each member would compute it again.
func (m *Machine) retarget(g *modernGroup, topics subscribedTopics) ([]Record, error) {
	g.assignedAt = m.now
	byName, known := assign.ByName(g.assignor(m.cfg.Consumer.Assignors[0]))
	if !known {
		byName = assign.Uniform
	}
	targets, err := byName(g.assignees(topics), partitionCounts{m.topics})
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, id := range sortedKeys(g.members) {
		old, known := g.target[id]
		if known && maps.EqualFunc(old, targets[id], func(a, b []int32) bool { return slices.Equal(a, b) }) {
			continue
		}
		if size := len(g.id) + g.members[id].weight() + weightOf(targets[id]); size > m.cfg.MaxAppendBytes {
			return nil, fmt.Errorf("store the assignment of member %s: %w", id, coordinator.TooLarge(Topic, size, m.cfg.MaxAppendBytes))
		}
		changed = append(changed, id)
	}
	records := make([]Record, 0, len(changed)+1)
	for _, id := range changed {
		g.target[id] = targets[id]
		records = append(records, g.targetMemberRecord(id))
	}
	g.assignmentEpoch = g.epoch
	return append(records, g.targetRecord()), nil
}

// What an assignment takes in a record, at most: the record's own fields with the key, each topic, each partition with its epoch.
const (
	placeBytes     = 1 << 10
	topicBytes     = 40
	partitionBytes = 8
)

// weight is what a member has, in bytes of a record: while it moves, its record holds that and what it is to have.
func (mb *modernMember) weight() int {
	n := placeBytes + len(mb.id)
	for _, e := range []epochs{mb.assigned, mb.revoking} {
		for _, partitions := range e {
			n += topicBytes + partitionBytes*len(partitions)
		}
	}
	return n
}

func weightOf(a assign.Assignment) int {
	n := 0
	for _, partitions := range a {
		n += topicBytes + partitionBytes*len(partitions)
	}
	return n
}

// assignees are the members as assignors see them.
func (g *modernGroup) assignees(topics subscribedTopics) []assign.Member {
	list := make([]assign.Member, 0, len(g.members))
	for _, memberID := range sortedKeys(g.members) {
		mb := g.members[memberID]
		one := assign.Member{ID: mb.id, Instance: mb.told.Instance, Owned: g.target[mb.id]}
		for _, name := range g.subscribed(mb) {
			if t, exists := topics[name]; exists {
				one.Topics = append(one.Topics, t.ID)
			}
		}
		list = append(list, one)
	}
	return list
}
