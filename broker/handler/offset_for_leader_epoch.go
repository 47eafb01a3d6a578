package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// offsetForLeaderEpoch is API 23, versions 2-4: where an epoch ends in this leader's log, so that who has records of it knows
// whether they are still true (KIP-320).
func (r *Records) offsetForLeaderEpoch() api.Row {
	return api.Spec[*kmsg.OffsetForLeaderEpochRequest, struct{}]{
		Row: api.Row{Key: 23, Name: "OffsetForLeaderEpoch", Min: 2, Max: 4, Gate: api.Authenticated, MaxBytes: askFrame},
		Needs: func(_ *api.Call, q *kmsg.OffsetForLeaderEpochRequest, _ struct{}) authz.Needs {
			needs := make([]authz.Need, len(q.Topics))
			for i := range q.Topics {
				needs[i] = epochNeed(q.Topics[i].Topic)
			}
			return authz.Needs{Each: needs}
		},
		Refuse: func(_ *api.Call, q *kmsg.OffsetForLeaderEpochRequest, code int16) kmsg.Response {
			return eachEpoch(q, func(string, *kmsg.OffsetForLeaderEpochRequestTopicPartition, *kmsg.OffsetForLeaderEpochResponseTopicPartition) error {
				return wire.Errorf(code, "refused")
			})
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.OffsetForLeaderEpochRequest, _ struct{}) api.Answer {
			return api.Now(eachEpoch(q, func(topic string, p *kmsg.OffsetForLeaderEpochRequestTopicPartition, out *kmsg.OffsetForLeaderEpochResponseTopicPartition) error {
				if !c.Granted.Met(epochNeed(topic)) {
					return wire.Errorf(wire.TopicAuthorizationFailed, "not authorized to describe topic %s", topic)
				}
				part, err := r.find(topic, p.Partition, p.CurrentLeaderEpoch)
				if err != nil {
					return err
				}
				end := part.EndOffsetFor(p.LeaderEpoch)
				out.LeaderEpoch, out.EndOffset = end.Epoch, end.EndOffset
				return nil
			}))
		},
	}.Build()
}

// epochNeed is what it takes to ask about a topic's epochs: as a broker, or as a client that may see the topic.
func epochNeed(topic string) authz.Need {
	n := need(authz.Describe, authz.Topic, topic)
	n.OrOn, n.OrOp = authz.TheCluster(), authz.ClusterAction
	return n
}

func eachEpoch(q *kmsg.OffsetForLeaderEpochRequest,
	ask func(string, *kmsg.OffsetForLeaderEpochRequestTopicPartition, *kmsg.OffsetForLeaderEpochResponseTopicPartition) error,
) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for i := range q.Topics {
		topic := kmsg.NewOffsetForLeaderEpochResponseTopic()
		topic.Topic = q.Topics[i].Topic
		for j := range q.Topics[i].Partitions {
			p := &q.Topics[i].Partitions[j]
			out := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			out.Partition, out.LeaderEpoch, out.EndOffset = p.Partition, -1, -1
			out.ErrorCode = wire.CodeOf(ask(topic.Topic, p, &out))
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
