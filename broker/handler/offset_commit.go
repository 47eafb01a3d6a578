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

// commitByID is the first version of OffsetCommit that names topics by their ids (KIP-848).
const commitByID = 10

// groupTopic is a topic that a request names, as the pinned image knows it.
type groupTopic struct {
	name string
	// named is false for an id that no topic has.
	named bool
	// topic is nil for a name that no topic has.
	topic *meta.Topic
}

// findTopic looks up a topic by its id, or by its name.
func findTopic(image *meta.Image, byID bool, name string, id meta.TopicID) groupTopic {
	if !byID {
		return groupTopic{name: name, named: true, topic: image.Topic(name)}
	}
	topic := image.TopicByID(id)
	if topic == nil {
		return groupTopic{}
	}
	return groupTopic{name: topic.Name, named: true, topic: topic}
}

// id is the topic's id, zero where it does not exist.
func (t *groupTopic) id() meta.TopicID {
	if t.topic == nil {
		return meta.TopicID{}
	}
	return t.topic.ID
}

// check says why a partition of the topic cannot be spoken of; None when it can.
func (t *groupTopic) check(granted *authz.Granted, op authz.Operation, partition int32) int16 {
	switch {
	case !t.named:
		return wire.UnknownTopicID
	case !granted.Has(op, authz.Topic, t.name):
		return wire.TopicAuthorizationFailed
	case t.topic == nil || partition < 0 || int(partition) >= len(t.topic.Partitions):
		return wire.UnknownTopicOrPartition
	default:
		return wire.None
	}
}

func needTopics(needs *authz.Needs, op authz.Operation, topics []groupTopic) {
	for i := range topics {
		if topics[i].named {
			needs.Each = append(needs.Each, onOffsetsOf(op, topics[i].name))
		}
	}
}

// offsetCommit is API 8, versions 2-10.
func (g *Groups) offsetCommit() api.Row {
	return api.Spec[*kmsg.OffsetCommitRequest, []groupTopic]{
		Row: api.Row{Key: 8, Name: "OffsetCommit", Min: 2, Max: 10, Gate: api.Authenticated, MaxBytes: offsetFrame},
		Resolve: func(_ *api.Call, q *kmsg.OffsetCommitRequest) []groupTopic {
			image := g.Image()
			list := make([]groupTopic, 0, len(q.Topics))
			for _, t := range q.Topics {
				list = append(list, findTopic(image, q.Version >= commitByID, t.Topic, t.TopicID))
			}
			return list
		},
		Needs: func(_ *api.Call, q *kmsg.OffsetCommitRequest, topics []groupTopic) authz.Needs {
			needs := wholeGroup(authz.Read, q.Group)
			needTopics(&needs, authz.Read, topics)
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.OffsetCommitRequest, code int16) kmsg.Response { return commitAnswer(q, code) },
		Handle: g.commit,
	}.Build()
}

func (g *Groups) commit(ctx context.Context, c *api.Call, q *kmsg.OffsetCommitRequest, topics []groupTopic) api.Answer {
	resp := commitAnswer(q, wire.None)
	send := *q
	send.Topics = nil
	parts := offsetParts{granted: c.Granted}
	for ti := range q.Topics {
		valid := kmsg.NewOffsetCommitRequestTopic()
		valid.Topic, valid.TopicID = topics[ti].name, topics[ti].id()
		for pi, p := range q.Topics[ti].Partitions {
			if parts.admits(&topics[ti], p.Partition, &resp.Topics[ti].Partitions[pi].ErrorCode) {
				valid.Partitions = append(valid.Partitions, p)
			}
		}
		if len(valid.Partitions) > 0 {
			send.Topics = append(send.Topics, valid)
		}
	}
	if len(send.Topics) == 0 {
		return api.Now(resp)
	}
	stored, code := askCommit[*kmsg.OffsetCommitResponse](ctx, g, q.Group, group.Commit{OffsetCommitRequest: &send})
	if code != wire.None {
		return api.Now(commitAnswer(q, code))
	}
	for _, t := range stored.Topics {
		for _, p := range t.Partitions {
			parts.told(p.ErrorCode)
		}
	}
	return api.Now(resp)
}

// commitAnswer has the same code for every partition.
func commitAnswer(q *kmsg.OffsetCommitRequest, code int16) *kmsg.OffsetCommitResponse {
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.Version = q.Version
	for _, t := range q.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, code
			topic.Partitions = append(topic.Partitions, one)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
