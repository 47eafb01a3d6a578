package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeProducers is API 61, version 0 (KIP-664): the producers that partitions know, with their open transactions.
func (r *Records) describeProducers() api.Row {
	return api.Spec[*kmsg.DescribeProducersRequest, struct{}]{
		Row: api.Row{Key: 61, Name: "DescribeProducers", Min: 0, Max: 0, Gate: api.Authenticated, MaxBytes: askFrame, Recheck: true},
		Needs: func(_ *api.Call, q *kmsg.DescribeProducersRequest, _ struct{}) authz.Needs {
			names := make([]string, len(q.Topics))
			for i := range q.Topics {
				names[i] = q.Topics[i].Topic
			}
			return authz.Needs{Each: topicNeeds(authz.Read, names)}
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeProducersRequest, code int16) kmsg.Response {
			return eachProducers(q, func(string) error { return wire.Errorf(code, "refused") }, nil)
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.DescribeProducersRequest, _ struct{}) api.Answer {
			refusal := func(topic string) error {
				if err := controller.ValidateTopicName(topic); err != nil {
					return err
				}
				return r.refusal(c.Granted, authz.Read, topic)
			}
			return api.Now(eachProducers(q, refusal, func(topic string, partition int32) ([]replica.ProducerState, error) {
				part, err := r.find(topic, partition, noLeaderEpoch)
				if err != nil {
					return nil, err
				}
				return part.Producers(), nil
			}))
		},
	}.Build()
}

// noLeaderEpoch is the leader epoch of a request that names none.
const noLeaderEpoch = -1

// eachProducers answers for each partition of a request, by codes alone: partitions may be as many as the text of an error is long.
// A partition that is named twice is refused, since its producers may be many.
func eachProducers(
	q *kmsg.DescribeProducersRequest, refusal func(topic string) error, producers func(topic string, partition int32) ([]replica.ProducerState, error),
) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.DescribeProducersResponse)
	asked := map[string]map[int32]bool{}
	for i := range q.Topics {
		topic := kmsg.NewDescribeProducersResponseTopic()
		topic.Topic = q.Topics[i].Topic
		refused := refusal(topic.Topic)
		of := asked[topic.Topic]
		if of == nil {
			of = map[int32]bool{}
			asked[topic.Topic] = of
		}
		for _, partition := range q.Topics[i].Partitions {
			out := kmsg.NewDescribeProducersResponseTopicPartition()
			out.Partition = partition
			var states []replica.ProducerState
			err := refused
			switch {
			case err != nil:
			case of[partition]:
				err = errAskedTwice
			default:
				states, err = producers(topic.Topic, partition)
			}
			of[partition] = true
			out.ErrorCode, out.ActiveProducers = wire.CodeOf(err), shownProducers(states)
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

func shownProducers(states []replica.ProducerState) []kmsg.DescribeProducersResponseTopicPartitionActiveProducer {
	shown := make([]kmsg.DescribeProducersResponseTopicPartitionActiveProducer, len(states))
	for i, s := range states {
		shown[i] = kmsg.DescribeProducersResponseTopicPartitionActiveProducer{
			ProducerID: s.ID, ProducerEpoch: int32(s.Epoch), LastSequence: s.LastSequence, LastTimestamp: s.LastTimestamp,
			CoordinatorEpoch: s.CoordinatorEpoch, CurrentTxnStartOffset: s.TxnStart,
		}
	}
	return shown
}
