package handler

import (
	"sync"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
)

// maxDueBytes bounds what is remembered of regular expressions that are due. Those that are forgotten are due again a little later.
const maxDueBytes = 16 << 20

// ConsumerGroups answers the APIs of groups of the consumer protocol (KIP-848).
type ConsumerGroups struct {
	// Groups are those of all protocols.
	Groups *Groups
	// Served says that group.coordinator.rebalance.protocols names the protocol.
	Served bool
	// Assignors are group.consumer.assignors.
	Assignors []string

	// RefusedRegex is told of subscriptions that are refused.
	RefusedRegex RefusedRegex
	// Matches are the searches for topics that were made before.
	Matches *TopicMatches

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

// dueRegexes are the regular expressions that coordinators want a member to resolve with its rights, until it comes. Who is no member
// does not know the ids of those who are, and so can not keep them from it.
type dueRegexes struct {
	mu       sync.Mutex
	byMember map[dueMember][]string
	bytes    int
}

type dueMember struct{ group, member string }

// size is what the member takes with its regular expressions, and some bytes for each of them.
func (d dueMember) size(patterns []string) int {
	n := len(d.group) + len(d.member) + 100
	for _, pattern := range patterns {
		n += len(pattern) + 16
	}
	return n
}

func (d *dueRegexes) put(of dueMember, patterns []string) {
	if len(patterns) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(of)
	size := of.size(patterns)
	if d.byMember == nil || d.bytes+size > maxDueBytes {
		d.byMember, d.bytes = map[dueMember][]string{}, 0
	}
	d.byMember[of] = patterns
	d.bytes += size
}

func (d *dueRegexes) take(of dueMember) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.drop(of)
}

func (d *dueRegexes) drop(of dueMember) []string {
	patterns, found := d.byMember[of]
	if found {
		d.bytes -= of.size(patterns)
		delete(d.byMember, of)
	}
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
