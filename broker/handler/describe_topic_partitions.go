package handler

import (
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// maxDescribedPartitions is max.request.partition.size.limit of Apache Kafka.
const maxDescribedPartitions = 2000

// describeTopicPartitions is API 75, version 0 (KIP-966): topics in the order of names, as many partitions as the limit allows,
// and a cursor to go on from. No topics means all; what may not be described is left out of these.
func (k *Cluster) describeTopicPartitions() api.Row {
	return api.Spec[*kmsg.DescribeTopicPartitionsRequest, []metadataTarget]{
		Row:     api.Row{Key: 75, Name: "DescribeTopicPartitions", Min: 0, Max: 0, Gate: api.Authenticated, MaxBytes: describeFrame, Recheck: true},
		Resolve: k.resolveDescribeTopics,
		Needs: func(_ *api.Call, q *kmsg.DescribeTopicPartitionsRequest, targets []metadataTarget) authz.Needs {
			var each []authz.Need
			for i := range targets {
				describe := need(authz.Describe, authz.Topic, targets[i].name())
				describe.Probe = len(q.Topics) == 0
				each = append(each, describe)
				each = append(each, operationProbes(authz.Topic, targets[i].name())...)
			}
			return authz.Needs{Each: each}
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeTopicPartitionsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
			for i := range q.Topics {
				resp.Topics = append(resp.Topics, describeFailed(q.Topics[i].Topic, code))
			}
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.DescribeTopicPartitionsRequest, targets []metadataTarget) api.Answer {
			return api.Now(k.describeAnswer(c, q, targets))
		},
	}.Build()
}

func describeFailed(name string, code int16) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.ErrorCode, out.AuthorizedOperations = &name, code, noOperations
	return out
}

// resolveDescribeTopics lists the topics from the cursor on, by name.
func (k *Cluster) resolveDescribeTopics(_ *api.Call, q *kmsg.DescribeTopicPartitionsRequest) []metadataTarget {
	img := k.Metadata.Image()
	from := ""
	if q.Cursor != nil {
		from = q.Cursor.Topic
	}
	var out []metadataTarget
	if len(q.Topics) == 0 {
		img.Topics(func(t *meta.Topic) bool {
			if t.Name >= from {
				out = append(out, metadataTarget{topic: t})
			}
			return true
		})
		return out
	}
	for i := range q.Topics {
		if name := &q.Topics[i].Topic; *name >= from {
			out = append(out, metadataTarget{asked: name, topic: img.Topic(*name)})
		}
	}
	slices.SortFunc(out, func(a, b metadataTarget) int { return strings.Compare(a.name(), b.name()) })
	return out
}

func (k *Cluster) describeAnswer(c *api.Call, q *kmsg.DescribeTopicPartitionsRequest, targets []metadataTarget) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	left := maxDescribedPartitions
	if limit := int(q.ResponsePartitionLimit); limit > 0 {
		left = min(left, limit)
	}
	for i := range targets {
		t := &targets[i]
		switch {
		case !c.Granted.Has(authz.Describe, authz.Topic, t.name()):
			if len(q.Topics) > 0 {
				resp.Topics = append(resp.Topics, describeFailed(t.name(), wire.TopicAuthorizationFailed))
			}
			continue
		case t.topic == nil:
			resp.Topics = append(resp.Topics, describeFailed(t.name(), wire.UnknownTopicOrPartition))
			continue
		}
		first := 0
		if q.Cursor != nil && q.Cursor.Topic == t.topic.Name {
			first = max(0, int(q.Cursor.Partition))
		}
		last := min(len(t.topic.Partitions), first+left)
		resp.Topics = append(resp.Topics, k.describedTopic(c, t.topic, first, last))
		left -= max(0, last-first)
		if last < len(t.topic.Partitions) || left == 0 && i+1 < len(targets) {
			resp.NextCursor = cursorAfter(targets, i, last)
			break
		}
	}
	return resp
}

// cursorAfter names the partition that the next answer begins with.
func cursorAfter(targets []metadataTarget, i, last int) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	cursor := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	if t := targets[i].topic; last < len(t.Partitions) {
		cursor.Topic, cursor.Partition = t.Name, int32(last) //nolint:gosec // partitions are far below 2^31
		return &cursor
	}
	cursor.Topic = targets[i+1].name()
	return &cursor
}

func (k *Cluster) describedTopic(c *api.Call, t *meta.Topic, first, last int) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = &t.Name, t.ID, t.Internal
	out.AuthorizedOperations = grantedOperations(c.Granted, authz.Topic, t.Name)
	for i := first; i < last; i++ {
		p := &t.Partitions[i]
		to := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		to.Partition, to.LeaderID, to.LeaderEpoch = int32(i), p.Leader, p.LeaderEpoch //nolint:gosec // partitions are far below 2^31
		to.Replicas, to.ISR = p.Replicas, p.ISR
		to.EligibleLeaderReplicas, to.LastKnownELR, to.OfflineReplicas = []int32{}, []int32{}, []int32{} // Java's client takes no null
		if k.Offline(t.Name, to.Partition) {
			to.ErrorCode, to.LeaderID, to.OfflineReplicas = wire.LeaderNotAvailable, -1, p.Replicas
		}
		out.Partitions = append(out.Partitions, to)
	}
	return out
}
