package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// listOffsets is API 2, versions 1-11. Version 4 adds leader epochs, 7 the largest timestamp, 8 the local start, 9 the tiered end,
// 11 the pending upload.
func (r *Records) listOffsets() api.Row {
	return api.Spec[*kmsg.ListOffsetsRequest, struct{}]{
		Row: api.Row{Key: 2, Name: "ListOffsets", Min: 1, Max: 11, Gate: api.Authenticated, MaxBytes: askFrame},
		Needs: func(_ *api.Call, q *kmsg.ListOffsetsRequest, _ struct{}) authz.Needs {
			names := make([]string, len(q.Topics))
			for i := range q.Topics {
				names[i] = q.Topics[i].Topic
			}
			return authz.Needs{Each: topicNeeds(authz.Describe, names)}
		},
		Refuse: func(_ *api.Call, q *kmsg.ListOffsetsRequest, code int16) kmsg.Response {
			return eachOffset(q, func(string) askOffset {
				return func(*kmsg.ListOffsetsRequestTopicPartition) (replica.FoundOffset, error) {
					return replica.FoundOffset{}, wire.Errorf(code, "refused")
				}
			})
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.ListOffsetsRequest, _ struct{}) api.Answer {
			times := timesAsked(q)
			return api.Now(eachOffset(q, func(topic string) askOffset {
				asked, refusal := times[topic], r.refusal(c.Granted, authz.Describe, topic)
				return func(p *kmsg.ListOffsetsRequestTopicPartition) (replica.FoundOffset, error) {
					switch {
					case asked[p.Partition] > 1:
						return replica.FoundOffset{}, errAskedTwice
					case refusal != nil:
						return replica.FoundOffset{}, refusal
					}
					return r.offsetOf(q, topic, p)
				}
			}))
		},
	}.Build()
}

var errAskedTwice = wire.Errorf(wire.InvalidRequest, "the partition is asked about twice")

// askOffset answers for one partition of a topic.
type askOffset func(*kmsg.ListOffsetsRequestTopicPartition) (replica.FoundOffset, error)

// timesAsked counts how often each partition is asked about, by topic. More than once is refused, as in Apache Kafka: each question
// about a time reads from the disk.
func timesAsked(q *kmsg.ListOffsetsRequest) map[string]map[int32]int {
	times := map[string]map[int32]int{}
	for i := range q.Topics {
		asked := times[q.Topics[i].Topic]
		if asked == nil {
			asked = map[int32]int{}
			times[q.Topics[i].Topic] = asked
		}
		for j := range q.Topics[i].Partitions {
			asked[q.Topics[i].Partitions[j].Partition]++
		}
	}
	return times
}

func (r *Records) offsetOf(q *kmsg.ListOffsetsRequest, topic string, p *kmsg.ListOffsetsRequestTopicPartition) (replica.FoundOffset, error) {
	if q.Version < questionVersion(p.Timestamp) {
		return replica.FoundOffset{}, wire.Errorf(wire.UnsupportedVersion, "timestamp %d needs a later version of ListOffsets", p.Timestamp)
	}
	part, err := r.find(topic, p.Partition, p.CurrentLeaderEpoch)
	if err != nil {
		return replica.FoundOffset{}, err
	}
	at, err := part.Offset(p.Timestamp, q.IsolationLevel == readCommitted)
	if q.Version < notAvailableVersion && wire.CodeOf(err) == wire.OffsetNotAvailable {
		return at, wire.Errorf(wire.LeaderNotAvailable, "%w", err)
	}
	return at, err
}

// notAvailableVersion is the version from which OFFSET_NOT_AVAILABLE is known (KIP-207).
const notAvailableVersion = 5

// questionVersion is the version from which a timestamp may be asked.
func questionVersion(timestamp int64) int16 {
	switch timestamp {
	case replica.MaxTimestampOffset:
		return 7
	case replica.EarliestLocal:
		return 8
	case replica.LatestTiered:
		return 9
	case replica.EarliestPending:
		return 11
	default:
		return 1
	}
}

func eachOffset(q *kmsg.ListOffsetsRequest, of func(topic string) askOffset) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.ListOffsetsResponse)
	for i := range q.Topics {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = q.Topics[i].Topic
		ask := of(topic.Topic)
		for j := range q.Topics[i].Partitions {
			p := &q.Topics[i].Partitions[j]
			out := kmsg.NewListOffsetsResponseTopicPartition()
			out.Partition, out.Offset, out.Timestamp, out.LeaderEpoch = p.Partition, -1, -1, -1
			at, err := ask(p)
			if out.ErrorCode = wire.CodeOf(err); err == nil {
				out.Offset, out.Timestamp, out.LeaderEpoch = at.Offset, at.Timestamp, at.LeaderEpoch
			}
			topic.Partitions = append(topic.Partitions, out)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
