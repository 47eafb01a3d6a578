package handler

import (
	"sync"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
)

// maxDueGroups bounds the groups whose regular expressions are remembered to be due. One that is not is due again a little later.
const maxDueGroups = 100_000

// ConsumerGroups answers the APIs of groups of the consumer protocol (KIP-848).
type ConsumerGroups struct {
	// Groups are those of all protocols.
	Groups *Groups
	// Served says that group.coordinator.rebalance.protocols names the protocol.
	Served bool
	// Assignors are group.consumer.assignors.
	Assignors []string
	// Settings are the times that are in force for a group.
	Settings func(image *meta.Image, groupID string) group.BeatSettings

	due dueRegexes
}

// Rows are the rows of this area.
func (g *ConsumerGroups) Rows() []api.Row {
	return []api.Row{g.heartbeat(), g.describe()}
}

// served reports whether the broker and the cluster's level of group.version serve the protocol.
func (g *ConsumerGroups) served(image *meta.Image) bool {
	return g.Served && image.Features()[meta.GroupVersion] >= 1
}

// dueRegexes are the regular expressions that coordinators want resolved, by group, until a member of the group comes with its rights.
type dueRegexes struct {
	mu      sync.Mutex
	byGroup map[string][]string
}

func (d *dueRegexes) put(groupID string, patterns []string) {
	if len(patterns) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byGroup == nil || len(d.byGroup) >= maxDueGroups {
		d.byGroup = map[string][]string{}
	}
	d.byGroup[groupID] = patterns
}

func (d *dueRegexes) take(groupID string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	patterns := d.byGroup[groupID]
	delete(d.byGroup, groupID)
	return patterns
}

// groupTopics are the topics of an image as coordinators see them.
type groupTopics struct{ image *meta.Image }

var _ group.Topics = groupTopics{}

func (t groupTopics) ByName(name string) (group.TopicState, bool) {
	return topicState(t.image.Topic(name))
}

func (t groupTopics) ByID(id [16]byte) (group.TopicState, bool) {
	return topicState(t.image.TopicByID(id))
}

func (t groupTopics) Version() uint64 { return t.image.TopicsIndex() }

func topicState(t *meta.Topic) (group.TopicState, bool) {
	if t == nil {
		return group.TopicState{}, false
	}
	ref := group.TopicRef{Name: t.Name, ID: t.ID}
	return group.TopicState{TopicRef: ref, Partitions: int32(len(t.Partitions))}, true //nolint:gosec // far below 2^31
}
