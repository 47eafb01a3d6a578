package handler

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// deleteOffsetsAction is what OffsetDelete does, in the words of the audit log, where what begins with "Delete" destroys data.
const deleteOffsetsAction = "DeleteOffsets"

// offsetName is a partition of a topic as the audit log has it.
func offsetName(topic string, partition int32) string { return topic + "-" + partName(partition) }

// deletedGroups are records for the audit log of groups that are to go, with the offsets of each, of which it keeps the first ones.
func (g *Groups) deletedGroups(ctx context.Context, origin meta.Origin, ids []string) []meta.AuditRecord {
	records := make([]meta.AuditRecord, 0, len(ids))
	for _, id := range ids {
		r := meta.AuditRecord{Origin: origin, ResourceType: authz.Group.String(), Resource: id, Before: map[string]string{}}
		g.eachCommitted(ctx, id, nil, func(partition, offset string) bool {
			r.Before[partition] = offset
			return len(r.Before) < detailsPerRecord
		})
		records = append(records, r)
	}
	return records
}

// namedOffsets are the committed offsets of the partitions that are to lose theirs, by the partition's name.
func (g *Groups) namedOffsets(ctx context.Context, q *kmsg.OffsetDeleteRequest) map[string]string {
	asked := make([]kmsg.OffsetFetchRequestGroupTopic, 0, len(q.Topics))
	for _, t := range q.Topics {
		topic := kmsg.OffsetFetchRequestGroupTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, p.Partition)
		}
		asked = append(asked, topic)
	}
	offsets := map[string]string{}
	g.eachCommitted(ctx, q.Group, eachOnce(asked), func(partition, offset string) bool {
		offsets[partition] = offset
		return true
	})
	return offsets
}

// deletedOffsets are records for the audit log of offsets that are to go, or what became of each; of none, it is the group's.
func deletedOffsets(origin meta.Origin, id string, offsets map[string]string, code func(partition string) int16) []meta.AuditRecord {
	parts := changedParts{origin: origin, resourceType: authz.Group.String(), action: deleteOffsetsAction}
	if len(offsets) == 0 {
		parts.add(id, "", code(""), "", "")
	}
	for _, partition := range slices.Sorted(maps.Keys(offsets)) {
		parts.add(id, partition, code(partition), offsets[partition], "")
	}
	return parts.records
}

// eachCommitted calls yield for the committed offsets of a group, those asked for or all, until it returns false.
func (g *Groups) eachCommitted(ctx context.Context, id string, asked []kmsg.OffsetFetchRequestGroupTopic, yield func(partition, offset string) bool) {
	stored, code := askGroup[*kmsg.OffsetFetchResponseGroup](ctx, g, id, group.Fetch{Group: id, Topics: asked, MemberEpoch: -1})
	if code != wire.None {
		return
	}
	for _, t := range stored.Topics {
		for _, p := range t.Partitions {
			if p.Offset >= 0 && !yield(offsetName(t.Topic, p.Partition), strconv.FormatInt(p.Offset, 10)) {
				return
			}
		}
	}
}
