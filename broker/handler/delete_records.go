package handler

import (
	"context"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// deleteRecords is API 21, versions 0-2 (KIP-107). The intent is in the audit log before a record goes.
func (r *Records) deleteRecords() api.Row {
	return api.Spec[*kmsg.DeleteRecordsRequest, struct{}]{
		Row: api.Row{Key: 21, Name: "DeleteRecords", Min: 0, Max: 2, Gate: api.Authenticated, MaxBytes: askFrame},
		Needs: func(_ *api.Call, q *kmsg.DeleteRecordsRequest, _ struct{}) authz.Needs {
			names := make([]string, len(q.Topics))
			for i := range q.Topics {
				names[i] = q.Topics[i].Topic
			}
			return authz.Needs{Each: topicNeeds(authz.Delete, names)}
		},
		Refuse: func(_ *api.Call, q *kmsg.DeleteRecordsRequest, code int16) kmsg.Response {
			return newDeletion(q, func(string) findDeletable {
				return func(*kmsg.DeleteRecordsRequestTopicPartition) (*replica.Replica, int64, error) {
					return nil, 0, wire.Errorf(code, "refused")
				}
			}).resp
		},
		Handle: r.handleDeleteRecords,
	}.Build()
}

func (r *Records) handleDeleteRecords(ctx context.Context, c *api.Call, q *kmsg.DeleteRecordsRequest, _ struct{}) api.Answer {
	d := newDeletion(q, func(topic string) findDeletable {
		refusal := r.refusal(c.Granted, authz.Delete, topic)
		return func(p *kmsg.DeleteRecordsRequestTopicPartition) (*replica.Replica, int64, error) {
			if refusal != nil {
				return nil, 0, refusal
			}
			return r.deletable(topic, p)
		}
	})
	ctx, cancel := context.WithTimeout(ctx, time.Duration(q.TimeoutMillis)*time.Millisecond)
	defer cancel()
	r.admit(ctx, c, d)
	if len(d.items) == 0 {
		return api.Now(d.resp)
	}
	parts := changedParts{origin: originOf(c), resourceType: authz.Topic.String()}
	for i := range d.items {
		item := &d.items[i]
		parts.add(item.part.Topic(), item.name(), wire.None, strconv.FormatInt(item.before, 10), strconv.FormatInt(item.offset, 10))
	}
	if code := intend(ctx, r.Changes, parts.records); code != wire.None {
		d.fail(code)
	} else {
		d.run(ctx)
	}
	parts.records, parts.last = nil, nil
	for i := range d.items {
		item := &d.items[i]
		parts.add(item.part.Topic(), item.name(), item.out().ErrorCode, strconv.FormatInt(item.before, 10), strconv.FormatInt(item.part.LogStart(), 10))
	}
	r.Changes.Done(context.WithoutCancel(ctx), parts.records)
	return api.Now(d.resp)
}

// deletable finds a partition whose records may go, and the log start that it is to get.
func (r *Records) deletable(topic string, p *kmsg.DeleteRecordsRequestTopicPartition) (*replica.Replica, int64, error) {
	part, err := r.find(topic, p.Partition, -1)
	if err != nil {
		return nil, 0, err
	}
	if part.Internal() {
		return nil, 0, wire.Errorf(wire.InvalidTopicException, "records of the internal topic %s are deleted by the broker alone", topic)
	}
	to, err := part.DeletableTo(p.Offset)
	return part, to, err
}

// deletion is one request to delete records, and its answer.
type deletion struct {
	resp *kmsg.DeleteRecordsResponse
	// items are the partitions whose records may go.
	items []deletionItem
}

type deletionItem struct {
	part           *replica.Replica
	before, offset int64
	// asked is the offset of the request, which may be -1 for all that there is.
	asked     int64
	answer    *kmsg.DeleteRecordsResponse
	topic, at int
}

// noLowWatermark is the low watermark of a partition that was not changed (INVALID_LOW_WATERMARK).
const noLowWatermark = -1

// findDeletable finds one partition of a topic.
type findDeletable func(*kmsg.DeleteRecordsRequestTopicPartition) (*replica.Replica, int64, error)

func newDeletion(q *kmsg.DeleteRecordsRequest, of func(topic string) findDeletable) *deletion {
	d := &deletion{resp: q.ResponseKind().(*kmsg.DeleteRecordsResponse)}
	seen := map[*replica.Replica]bool{}
	for i := range q.Topics {
		topic := kmsg.NewDeleteRecordsResponseTopic()
		topic.Topic = q.Topics[i].Topic
		find := of(topic.Topic)
		for j := range q.Topics[i].Partitions {
			p := &q.Topics[i].Partitions[j]
			out := kmsg.NewDeleteRecordsResponseTopicPartition()
			out.Partition, out.LowWatermark = p.Partition, noLowWatermark
			part, to, err := find(p)
			if err == nil && seen[part] {
				err = wire.Errorf(wire.InvalidRequest, "partition %d of topic %s is named twice", p.Partition, topic.Topic)
			}
			seen[part] = true
			out.ErrorCode = wire.CodeOf(err)
			if err == nil {
				d.items = append(d.items, deletionItem{part: part, before: part.LogStart(), offset: to, asked: p.Offset, answer: d.resp, topic: i, at: j})
			}
			topic.Partitions = append(topic.Partitions, out)
		}
		d.resp.Topics = append(d.resp.Topics, topic)
	}
	return d
}

// removesNothing reports whether there are no records that would go.
func (i *deletionItem) removesNothing() bool { return i.offset <= i.before }

// name is the partition's number, as the audit log has it.
func (i *deletionItem) name() string { return partName(i.part.Partition()) }

func (i *deletionItem) out() *kmsg.DeleteRecordsResponseTopicPartition {
	return &i.answer.Topics[i.topic].Partitions[i.at]
}

// run deletes: all partitions wait for the same commit of their journal.
func (d *deletion) run(ctx context.Context) {
	waits := make([]func(context.Context) (int64, error), len(d.items))
	for i := range d.items {
		wait, err := d.items[i].part.StartDeleteRecords(d.items[i].offset)
		d.items[i].out().ErrorCode = wire.CodeOf(err)
		waits[i] = wait
	}
	for i, wait := range waits {
		if wait == nil {
			continue
		}
		low, err := wait(ctx)
		if out := d.items[i].out(); err != nil {
			out.ErrorCode = wire.CodeOf(err)
		} else {
			out.LowWatermark = low
		}
	}
}

func (d *deletion) fail(code int16) {
	for i := range d.items {
		d.items[i].out().ErrorCode = code
	}
}
