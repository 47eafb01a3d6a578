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

// offsetDelete is API 47, version 0 (KIP-496). The intent is in the audit log before an offset goes.
func (g *Groups) offsetDelete() api.Row {
	return api.Spec[*kmsg.OffsetDeleteRequest, []groupTopic]{
		Row: api.Row{Key: 47, Name: "OffsetDelete", Min: 0, Max: 0, Gate: api.Authenticated, MaxBytes: offsetFrame},
		Resolve: func(_ *api.Call, q *kmsg.OffsetDeleteRequest) []groupTopic {
			image := g.Image()
			list := make([]groupTopic, 0, len(q.Topics))
			for _, t := range q.Topics {
				list = append(list, findTopic(image, false, t.Topic, meta.TopicID{}))
			}
			return list
		},
		Needs: func(_ *api.Call, q *kmsg.OffsetDeleteRequest, topics []groupTopic) authz.Needs {
			needs := wholeGroup(authz.Delete, q.Group)
			needTopics(&needs, authz.Read, topics)
			return needs
		},
		Refuse: refuseOffsetDelete,
		Handle: g.deleteOffsets,
	}.Build()
}

func (g *Groups) deleteOffsets(ctx context.Context, c *api.Call, q *kmsg.OffsetDeleteRequest, topics []groupTopic) api.Answer {
	if q.Group == "" {
		return api.Now(refuseOffsetDelete(c, q, wire.InvalidGroupID))
	}
	resp := kmsg.NewPtrOffsetDeleteResponse()
	send := kmsg.NewPtrOffsetDeleteRequest()
	send.Group = q.Group
	parts := offsetParts{granted: c.Granted}
	for ti := range q.Topics {
		topic := kmsg.NewOffsetDeleteResponseTopic()
		topic.Topic = q.Topics[ti].Topic
		valid := kmsg.OffsetDeleteRequestTopic{Topic: topic.Topic}
		topic.Partitions = make([]kmsg.OffsetDeleteResponseTopicPartition, len(q.Topics[ti].Partitions))
		for pi, p := range q.Topics[ti].Partitions {
			one := &topic.Partitions[pi]
			one.Partition = p.Partition
			if parts.admits(&topics[ti], p.Partition, &one.ErrorCode) {
				valid.Partitions = append(valid.Partitions, p)
			}
		}
		resp.Topics = append(resp.Topics, topic)
		if len(valid.Partitions) > 0 {
			send.Topics = append(send.Topics, valid)
		}
	}
	done, code := g.deleteSent(ctx, originOf(c), send)
	if code != wire.None {
		return api.Now(refuseOffsetDelete(c, q, code))
	}
	for _, t := range done.Topics {
		for _, p := range t.Partitions {
			parts.told(p.ErrorCode)
		}
	}
	return api.Now(resp)
}

// deleteSent deletes offsets of partitions that exist, with an intent before and the outcome behind it.
func (g *Groups) deleteSent(ctx context.Context, origin meta.Origin, q *kmsg.OffsetDeleteRequest) (done *kmsg.OffsetDeleteResponse, code int16) {
	offsets := g.namedOffsets(ctx, q)
	code = intend(ctx, g.Changes, deletedOffsets(origin, q.Group, offsets, func(string) int16 { return wire.None }))
	if code == wire.None {
		done, code = askGroup[*kmsg.OffsetDeleteResponse](ctx, g, q.Group, group.DeleteOffsets{OffsetDeleteRequest: q})
	}
	outcome := func(string) int16 { return code }
	if code == wire.None {
		codes := map[string]int16{}
		for _, t := range done.Topics {
			for _, p := range t.Partitions {
				codes[offsetName(t.Topic, p.Partition)] = p.ErrorCode
			}
		}
		outcome = func(partition string) int16 { return codes[partition] }
	}
	g.Changes.Done(context.WithoutCancel(ctx), deletedOffsets(origin, q.Group, offsets, outcome))
	return done, code
}

func refuseOffsetDelete(_ *api.Call, _ *kmsg.OffsetDeleteRequest, code int16) kmsg.Response {
	resp := kmsg.NewPtrOffsetDeleteResponse()
	resp.ErrorCode = code
	return resp
}
