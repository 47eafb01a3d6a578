package handler

import (
	"context"
	"strconv"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// admit uses up the approvals of a deletion of records where it takes two persons, one for each topic. Partitions without one are answered,
// and not among the items any more. The answer has no room for a message: chronik approve --list tells the id.
func (r *Records) admit(ctx context.Context, c *api.Call, d *deletion) {
	if !r.Approvals.Requires(meta.ApproveRetentionCuts) {
		return
	}
	img := r.Image()
	command := &meta.AskApprovals{Origin: originOf(c), Approval: r.Approvals.rule(c, img)}
	places := map[string]int{}
	for i := range d.items {
		item := &d.items[i]
		if item.removesNothing() {
			continue
		}
		topic := item.part.Topic()
		at, begun := places[topic]
		if !begun {
			at = len(command.Subjects)
			places[topic] = at
			command.Subjects = append(command.Subjects, recordsSubject(img, topic))
		}
		command.Subjects[at].After[item.name()] = strconv.FormatInt(item.asked, 10)
	}
	if len(command.Subjects) == 0 {
		return
	}
	result, err := r.Metadata.Propose(ctx, command)
	admitted := d.items[:0]
	for _, item := range d.items {
		switch {
		case item.removesNothing():
		case err != nil:
			item.out().ErrorCode = wire.CodeOf(err)
		default:
			item.out().ErrorCode = result.Items[places[item.part.Topic()]].Code
		}
		if item.out().ErrorCode == wire.None {
			admitted = append(admitted, item)
		}
	}
	d.items = admitted
}

// recordsSubject is the deletion of records of a topic; its after has the offset up to which they go, as it was asked for, by partition.
func recordsSubject(img *meta.Image, topic string) meta.Subject {
	s := meta.Subject{
		Operation: meta.ApproveRetentionCuts, Action: "DeleteRecords", ResourceType: authz.Topic.String(), Resource: topic,
		Right: meta.Right{Operation: authz.Delete, Type: authz.Topic, Name: topic}, After: map[string]string{},
	}
	if t := img.Topic(topic); t != nil {
		s.ResourceID = t.ID.String()
	}
	return s
}
