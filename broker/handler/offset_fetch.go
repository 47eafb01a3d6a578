package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Versions of OffsetFetch at which its shape changes.
const (
	// fetchTopCode is the first with a code for the whole answer; before it every partition carries it.
	fetchTopCode = 2
	// fetchMany is the first that asks for several groups (KIP-709).
	fetchMany = 8
	// fetchByID is the first that names topics by their ids (KIP-848).
	fetchByID = 10
)

// fetchPlan is what a request asks for, in names of the pinned image.
type fetchPlan struct {
	image  *meta.Image
	groups []groupFetch
}

// groupFetch is what is asked of one group. Of all, the offsets are here before anybody asks who may see them.
type groupFetch struct {
	id      string
	query   group.Fetch
	all     bool
	topics  []groupTopic
	asked   []kmsg.OffsetFetchRequestGroupTopic
	offsets *kmsg.OffsetFetchResponseGroup
	code    int16
}

// offsetFetch is API 9, versions 1-10.
func (g *Groups) offsetFetch() api.Row {
	return api.Spec[*kmsg.OffsetFetchRequest, fetchPlan]{
		Row:     api.Row{Key: 9, Name: "OffsetFetch", Min: 1, Max: 10, Gate: api.Authenticated, MaxBytes: offsetFrame, Recheck: true},
		Resolve: func(_ *api.Call, q *kmsg.OffsetFetchRequest) fetchPlan { return g.planFetch(q) },
		Needs:   needFetch,
		Refuse: func(_ *api.Call, q *kmsg.OffsetFetchRequest, code int16) kmsg.Response {
			var groups []kmsg.OffsetFetchResponseGroup
			for _, one := range fetchGroups(q) {
				groups = append(groups, failedFetch(one.Group, code))
			}
			return fetchAnswer(q, groups)
		},
		Handle: g.fetch,
	}.Build()
}

// fetchGroups gives every version the shape of the latest.
func fetchGroups(q *kmsg.OffsetFetchRequest) []kmsg.OffsetFetchRequestGroup {
	if q.Version >= fetchMany {
		return q.Groups
	}
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = q.Group
	if q.Topics != nil {
		one.Topics = make([]kmsg.OffsetFetchRequestGroupTopic, 0, len(q.Topics))
	}
	for _, t := range q.Topics {
		topic := kmsg.NewOffsetFetchRequestGroupTopic()
		topic.Topic, topic.Partitions = t.Topic, t.Partitions
		one.Topics = append(one.Topics, topic)
	}
	return []kmsg.OffsetFetchRequestGroup{one}
}

func (g *Groups) planFetch(q *kmsg.OffsetFetchRequest) fetchPlan {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	plan := fetchPlan{image: g.Image()}
	waits := map[int]waiting{}
	seen := map[string]struct{}{}
	for i, asked := range fetchGroups(q) {
		asked.Topics = eachOnce(asked.Topics)
		one := groupFetch{id: asked.Group, all: asked.Topics == nil, asked: asked.Topics, query: group.Fetch{
			Group: asked.Group, RequireStable: q.RequireStable, MemberID: asked.MemberID, MemberEpoch: asked.MemberEpoch,
		}}
		if _, twice := seen[one.id]; twice {
			// No client asks twice; answering would let a small request make a large answer.
			one.code = wire.InvalidRequest
		}
		seen[one.id] = struct{}{}
		for _, t := range asked.Topics {
			one.topics = append(one.topics, findTopic(plan.image, q.Version >= fetchByID, t.Topic, t.TopicID))
		}
		if one.all && one.code == wire.None {
			waits[i] = g.Coordinator.SendGroup(ctx, one.id, one.query)
		}
		plan.groups = append(plan.groups, one)
	}
	for i, wait := range waits {
		plan.groups[i].offsets, plan.groups[i].code = awaitAnswer[*kmsg.OffsetFetchResponseGroup](ctx, wait)
	}
	return plan
}

// eachOnce names each partition once, where it stands first. A committed offset has up to 4 KiB of metadata, which a partition's
// number in a request of a few bytes must not ask for again and again. Null stays null: it asks for all.
func eachOnce(topics []kmsg.OffsetFetchRequestGroupTopic) []kmsg.OffsetFetchRequestGroupTopic {
	type key struct {
		name string
		id   meta.TopicID
	}
	places := make(map[key]int, len(topics))
	out := topics[:0]
	for _, t := range topics {
		k := key{name: t.Topic, id: t.TopicID}
		at, again := places[k]
		if !again {
			places[k] = len(out)
			out = append(out, t)
			continue
		}
		out[at].Partitions = append(out[at].Partitions, t.Partitions...)
	}
	for i := range out {
		out[i].Partitions = distinct(out[i].Partitions)
	}
	return out
}

func needFetch(_ *api.Call, _ *kmsg.OffsetFetchRequest, plan fetchPlan) authz.Needs {
	var needs authz.Needs
	for i := range plan.groups {
		one := &plan.groups[i]
		needs.Each = append(needs.Each, onGroup(authz.Describe, one.id))
		needTopics(&needs, authz.Describe, one.topics)
		if one.offsets == nil {
			continue
		}
		for _, t := range one.offsets.Topics {
			needs.Each = append(needs.Each, probe(authz.Describe, authz.Topic, t.Topic))
		}
	}
	return needs
}

func (g *Groups) fetch(ctx context.Context, c *api.Call, q *kmsg.OffsetFetchRequest, plan fetchPlan) api.Answer {
	groups := make([]kmsg.OffsetFetchResponseGroup, 0, len(plan.groups))
	for i := range plan.groups {
		one := &plan.groups[i]
		switch {
		case !c.Granted.Has(authz.Describe, authz.Group, one.id):
			groups = append(groups, failedFetch(one.id, wire.GroupAuthorizationFailed))
		case one.code != wire.None:
			groups = append(groups, failedFetch(one.id, fetchCode(one.code)))
		case one.all:
			groups = append(groups, visibleOffsets(c, q, plan.image, one))
		default:
			groups = append(groups, g.fetchOne(ctx, c, one))
		}
	}
	return api.Now(fetchAnswer(q, groups))
}

// fetchOne reads the offsets of the topics that the caller names and may see.
func (g *Groups) fetchOne(ctx context.Context, c *api.Call, one *groupFetch) kmsg.OffsetFetchResponseGroup {
	send := make([]kmsg.OffsetFetchRequestGroupTopic, 0, len(one.asked))
	for i, t := range one.asked {
		if one.topics[i].fetchCode(c.Granted) == wire.None {
			t.Topic, t.TopicID = one.topics[i].name, one.topics[i].id()
			send = append(send, t)
		}
	}
	query := one.query
	query.Topics = send
	stored, code := askGroup[*kmsg.OffsetFetchResponseGroup](ctx, g, one.id, query)
	if code != wire.None {
		return failedFetch(one.id, fetchCode(code))
	}
	answer := kmsg.OffsetFetchResponseGroup{Group: one.id}
	next := 0
	for i, t := range one.asked {
		if code := one.topics[i].fetchCode(c.Granted); code != wire.None {
			answer.Topics = append(answer.Topics, failedTopic(t, code))
			continue
		}
		answer.Topics = append(answer.Topics, stored.Topics[next])
		next++
	}
	return answer
}

// fetchCode says why a topic's offsets cannot be read. That the topic does not exist is no reason: its offsets may be there still.
func (t *groupTopic) fetchCode(granted *authz.Granted) int16 {
	switch {
	case !t.named:
		return wire.UnknownTopicID
	case !granted.Has(authz.Describe, authz.Topic, t.name):
		return wire.TopicAuthorizationFailed
	default:
		return wire.None
	}
}

// visibleOffsets are those of all offsets of a group whose topics the caller may see; what was committed for an earlier topic of the same
// name is not among them.
func visibleOffsets(c *api.Call, q *kmsg.OffsetFetchRequest, image *meta.Image, one *groupFetch) kmsg.OffsetFetchResponseGroup {
	answer := kmsg.OffsetFetchResponseGroup{Group: one.id}
	for _, t := range one.offsets.Topics {
		now := findTopic(image, false, t.Topic, meta.TopicID{})
		stale := now.topic != nil && !meta.TopicID(t.TopicID).IsZero() && t.TopicID != now.id()
		if stale || now.topic == nil && q.Version >= fetchByID || !c.Granted.Has(authz.Describe, authz.Topic, t.Topic) {
			continue
		}
		t.TopicID = now.id()
		answer.Topics = append(answer.Topics, t)
	}
	return answer
}

// fetchCode turns what consumers before Kafka 3.9 do not expect into what makes them look for the coordinator again.
func fetchCode(code int16) int16 {
	if code == wire.CoordinatorNotAvailable || code == wire.RequestTimedOut {
		return wire.NotCoordinator
	}
	return code
}

func failedFetch(id string, code int16) kmsg.OffsetFetchResponseGroup {
	return kmsg.OffsetFetchResponseGroup{Group: id, ErrorCode: code}
}

func failedTopic(asked kmsg.OffsetFetchRequestGroupTopic, code int16) kmsg.OffsetFetchResponseGroupTopic {
	topic := kmsg.NewOffsetFetchResponseGroupTopic()
	topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
	for _, p := range asked.Partitions {
		topic.Partitions = append(topic.Partitions, failedPartition(p, code))
	}
	return topic
}

func failedPartition(partition int32, code int16) kmsg.OffsetFetchResponseGroupTopicPartition {
	one := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	none := ""
	one.Partition, one.Offset, one.LeaderEpoch, one.Metadata, one.ErrorCode = partition, -1, -1, &none, code
	return one
}

// fetchAnswer gives the answer the shape of the request's version.
func fetchAnswer(q *kmsg.OffsetFetchRequest, groups []kmsg.OffsetFetchResponseGroup) *kmsg.OffsetFetchResponse {
	resp := kmsg.NewPtrOffsetFetchResponse()
	resp.Version = q.Version
	if q.Version >= fetchMany {
		resp.Groups = groups
		return resp
	}
	one := groups[0]
	resp.ErrorCode = one.ErrorCode
	if q.Version < fetchTopCode && one.ErrorCode != wire.None {
		for _, t := range fetchGroups(q)[0].Topics {
			one.Topics = append(one.Topics, failedTopic(t, one.ErrorCode))
		}
	}
	for _, t := range one.Topics {
		topic := kmsg.NewOffsetFetchResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			plain := kmsg.NewOffsetFetchResponseTopicPartition()
			plain.Partition, plain.Offset, plain.LeaderEpoch = p.Partition, p.Offset, p.LeaderEpoch
			plain.Metadata, plain.ErrorCode = p.Metadata, p.ErrorCode
			topic.Partitions = append(topic.Partitions, plain)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
