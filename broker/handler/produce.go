package handler

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// produceTopicIDs is the version from which Produce names topics by id.
	produceTopicIDs = 13
	// produceZstd is the version from which zstd is known.
	produceZstd = 7
)

// produce is API 0. Versions 0-2 are listed and not served: librdkafka before 2.11 compresses nothing against a broker that does
// not list them (KAFKA-18659). Version 8 adds error messages, 10 the current leader, 13 topic ids. With acks=0 there is no
// response; an error then closes the connection, as the client has no other way to learn of it.
func (r *Records) produce() api.Row {
	listedFrom := int16(0)
	return api.Spec[*kmsg.ProduceRequest, []string]{
		Row: api.Row{
			Key: 0, Name: "Produce", Min: 3, Max: 13, AdvertiseMin: &listedFrom, Gate: api.Authenticated, MaxBytes: produceFrame, Overlap: true,
		},
		Resolve: r.resolveProduce,
		Needs: func(_ *api.Call, q *kmsg.ProduceRequest, names []string) authz.Needs {
			needs := authz.Needs{Each: topicNeeds(authz.Write, names)}
			if q.TransactionID != nil {
				needs.All = []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.TransactionalID, Name: *q.TransactionID}}}
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.ProduceRequest, code int16) kmsg.Response { return refuseProduce(q, code) },
		Handle: r.handleProduce,
	}.Build()
}

// resolveProduce gives each topic its name.
func (r *Records) resolveProduce(_ *api.Call, q *kmsg.ProduceRequest) []string {
	names := make([]string, len(q.Topics))
	img := r.Image()
	for i := range q.Topics {
		names[i] = nameOf(img, q.Topics[i].Topic, q.Topics[i].TopicID)
	}
	return names
}

func refuseProduce(q *kmsg.ProduceRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.ProduceResponse)
	for i := range q.Topics {
		topic := produceTopic(&q.Topics[i])
		for j := range q.Topics[i].Partitions {
			topic.Partitions = append(topic.Partitions, produceFailed(q.Topics[i].Partitions[j].Partition, wire.Errorf(code, "refused")))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

func produceTopic(t *kmsg.ProduceRequestTopic) kmsg.ProduceResponseTopic {
	out := kmsg.NewProduceResponseTopic()
	out.Topic, out.TopicID = t.Topic, t.TopicID
	out.Partitions = make([]kmsg.ProduceResponseTopicPartition, 0, len(t.Partitions))
	return out
}

func produceFailed(partition int32, err error) kmsg.ProduceResponseTopicPartition {
	out := kmsg.NewProduceResponseTopicPartition()
	message := err.Error()
	out.Partition, out.ErrorCode, out.BaseOffset, out.LogStartOffset = partition, wire.CodeOf(err), -1, -1
	out.ErrorMessage = &message
	return out
}

// written is a batch that waits for the disk, and where its answer stands.
type written struct {
	appended         replica.Appended
	topic, partition int
}

func (r *Records) handleProduce(_ context.Context, c *api.Call, q *kmsg.ProduceRequest, names []string) api.Answer {
	if q.Acks < -1 || q.Acks > 1 {
		return api.Now(refuseProduce(q, wire.InvalidRequiredAcks))
	}
	now := r.Clock()
	resp := q.ResponseKind().(*kmsg.ProduceResponse)
	resp.Topics = make([]kmsg.ProduceResponseTopic, 0, len(q.Topics))
	waiting := make([]written, 0, len(q.Topics))
	failed := false
	for i := range q.Topics {
		t := &q.Topics[i]
		topic := produceTopic(t)
		for j := range t.Partitions {
			a, err := r.appendOne(c, q, names[i], &t.Partitions[j], now)
			if err != nil {
				failed = true
				topic.Partitions = append(topic.Partitions, produceFailed(t.Partitions[j].Partition, err))
				continue
			}
			waiting = append(waiting, written{appended: a, topic: i, partition: j})
			topic.Partitions = append(topic.Partitions, produceDone(t.Partitions[j].Partition, a))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	if q.Acks == 0 {
		return api.Answer{Close: failed}
	}
	timeout := time.Duration(q.TimeoutMillis) * time.Millisecond
	return api.Answer{Later: func(ctx context.Context) kmsg.Response { return awaitProduce(ctx, resp, waiting, timeout) }}
}

func produceDone(partition int32, a replica.Appended) kmsg.ProduceResponseTopicPartition {
	out := kmsg.NewProduceResponseTopicPartition()
	out.Partition, out.BaseOffset, out.LogAppendTime, out.LogStartOffset = partition, a.BaseOffset, a.AppendTime, a.LogStart
	return out
}

func (r *Records) appendOne(c *api.Call, q *kmsg.ProduceRequest, name string, p *kmsg.ProduceRequestTopicPartition, now time.Time) (replica.Appended, error) {
	switch {
	case name == "" && q.Version >= produceTopicIDs:
		return replica.Appended{}, wire.Errorf(wire.UnknownTopicID, "this broker hosts no topic of that id")
	case !c.Granted.Has(authz.Write, authz.Topic, name):
		return replica.Appended{}, wire.Errorf(wire.TopicAuthorizationFailed, "not authorized to write to topic %s", name)
	}
	part, err := r.find(name, p.Partition, -1)
	if err != nil {
		return replica.Appended{}, err
	}
	if part.Internal() {
		return replica.Appended{}, wire.Errorf(wire.InvalidTopicException, "topic %s is written by the broker alone", name)
	}
	if len(p.Records) >= record.HeaderSize && record.Batch(p.Records).Transactional() {
		return replica.Appended{}, wire.Errorf(wire.InvalidTxnState, "there is no open transaction for the batch")
	}
	return part.Append(p.Records, q.Acks == -1, q.Version >= produceZstd, now)
}

// awaitProduce waits until all batches are confirmed, or the client's time-out.
func awaitProduce(ctx context.Context, resp *kmsg.ProduceResponse, waiting []written, timeout time.Duration) kmsg.Response {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, w := range waiting {
		if err := w.appended.Wait(ctx); err != nil {
			p := &resp.Topics[w.topic].Partitions[w.partition]
			*p = produceFailed(p.Partition, err)
		}
	}
	return resp
}
