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

// describeTopicPartitions is API 75, version 0 (KIP-966): topics in the order of names, as many partitions as the limit allows,
// and a cursor to go on from. No topics means all; what may not be described is left out of these.
func (k *Cluster) describeTopicPartitions() api.Row {
	return api.Spec[*kmsg.DescribeTopicPartitionsRequest, []metadataTarget]{
		Row:     api.Row{Key: 75, Name: "DescribeTopicPartitions", Min: 0, Max: 0, Gate: api.Authenticated, MaxBytes: describeFrame, Recheck: true},
		Resolve: k.resolveDescribeTopics,
		Needs: func(_ *api.Call, q *kmsg.DescribeTopicPartitionsRequest, targets []metadataTarget) authz.Needs {
			needs := authz.Needs{Each: make([]authz.Need, len(targets)), Operations: make([]authz.Resource, len(targets))}
			for i := range targets {
				needs.Each[i] = need(authz.Describe, authz.Topic, targets[i].name())
				needs.Each[i].Probe = len(q.Topics) == 0
				needs.Operations[i] = needs.Each[i].On
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeTopicPartitionsRequest, code int16) kmsg.Response {
			return describeRefused(q, code)
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.DescribeTopicPartitionsRequest, targets []metadataTarget) api.Answer {
			return api.Now(k.describeAnswer(c, q, targets))
		},
	}.Build()
}

func describeRefused(q *kmsg.DescribeTopicPartitionsRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	for i := range q.Topics {
		resp.Topics = append(resp.Topics, describeFailed(q.Topics[i].Topic, code))
	}
	return resp
}

func describeFailed(name string, code int16) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.ErrorCode, out.AuthorizedOperations = &name, code, noOperations
	return out
}

// resolveDescribeTopics lists the topics from the cursor on, by name, each once.
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
	return slices.CompactFunc(out, func(a, b metadataTarget) bool { return a.name() == b.name() })
}

// describeAnswer tells of the topics that the caller may describe, up to the limit. Cursors name only such topics.
func (k *Cluster) describeAnswer(c *api.Call, q *kmsg.DescribeTopicPartitionsRequest, targets []metadataTarget) kmsg.Response {
	if !validCursor(q) {
		return describeRefused(q, wire.InvalidRequest)
	}
	resp := q.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	reach := reachOf(k.Metadata.Image(), c.Conn.Listener)
	left := max(1, min(k.MaxDescribed, int(q.ResponsePartitionLimit)))
	var denied []kmsg.DescribeTopicPartitionsResponseTopic
	for i := range targets {
		t := &targets[i]
		switch {
		case !c.Granted.Has(authz.Describe, authz.Topic, t.name()):
			if len(q.Topics) > 0 {
				denied = append(denied, describeFailed(t.name(), wire.TopicAuthorizationFailed))
			}
			continue
		case resp.NextCursor != nil:
			continue // what is denied is still to be told
		case left == 0:
			resp.NextCursor = cursorAt(t.name(), 0)
			continue
		case t.topic == nil:
			missing := describeFailed(t.name(), missingTopic(t.name()))
			missing.AuthorizedOperations = grantedOperations(c.Granted, authz.Topic, t.name())
			resp.Topics = append(resp.Topics, missing)
			continue
		}
		first := 0
		if q.Cursor != nil && q.Cursor.Topic == t.topic.Name {
			first = min(int(q.Cursor.Partition), len(t.topic.Partitions))
		}
		last := min(len(t.topic.Partitions), first+left)
		resp.Topics = append(resp.Topics, k.describedTopic(c, t.topic, first, last, reach))
		left -= last - first
		if last < len(t.topic.Partitions) {
			resp.NextCursor = cursorAt(t.topic.Name, last)
		}
	}
	resp.Topics = append(resp.Topics, denied...)
	return resp
}

// validCursor reports whether a cursor is one that an answer to this question could have had.
func validCursor(q *kmsg.DescribeTopicPartitionsRequest) bool {
	if q.Cursor == nil {
		return true
	}
	named := len(q.Topics) == 0 || slices.ContainsFunc(q.Topics, func(t kmsg.DescribeTopicPartitionsRequestTopic) bool {
		return t.Topic == q.Cursor.Topic
	})
	return named && q.Cursor.Partition >= 0
}

// cursorAt names the partition that the next answer begins with.
func cursorAt(topic string, partition int) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	cursor := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	cursor.Topic, cursor.Partition = topic, int32(partition) //nolint:gosec // partitions are far below 2^31
	return &cursor
}

func (k *Cluster) describedTopic(c *api.Call, t *meta.Topic, first, last int, reach reach) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = &t.Name, t.ID, t.Internal
	out.AuthorizedOperations = grantedOperations(c.Granted, authz.Topic, t.Name)
	for i := first; i < last; i++ {
		p := &t.Partitions[i]
		to := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		to.Partition, to.LeaderEpoch = int32(i), p.LeaderEpoch //nolint:gosec // partitions are far below 2^31
		to.Replicas, to.ISR, to.OfflineReplicas = p.Replicas, p.ISR, reach.offline(p.Replicas)
		// Java's client takes no null; eligible leader replicas come with replication (KIP-966).
		to.EligibleLeaderReplicas, to.LastKnownELR = []int32{}, []int32{}
		to.ErrorCode, to.LeaderID = reach.leader(p.Leader)
		if k.Offline(t.Name, to.Partition) {
			to.ErrorCode, to.LeaderID, to.OfflineReplicas = wire.LeaderNotAvailable, noLeader, p.Replicas
		}
		out.Partitions = append(out.Partitions, to)
	}
	return out
}
