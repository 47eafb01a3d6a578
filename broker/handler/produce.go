package handler

import (
	"context"
	"errors"
	"slices"
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
// response; an error then closes the connection, as the client has no other way to learn of it. From version 12 on the broker itself
// adds partitions to the client's transaction (KIP-890).
func (r *Records) produce() api.Row {
	listedFrom := int16(0)
	return api.Spec[*kmsg.ProduceRequest, *producing]{
		Row: api.Row{
			Key: 0, Name: "Produce", Min: 3, Max: 13, AdvertiseMin: &listedFrom, Gate: api.Authenticated, MaxBytes: produceFrame, Overlap: true,
		},
		Resolve: r.resolveProduce,
		Needs: func(c *api.Call, q *kmsg.ProduceRequest, p *producing) authz.Needs {
			needs := authz.Needs{Each: appendTopicNeeds(c.Room, authz.Write, p.names)}
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
func (r *Records) resolveProduce(c *api.Call, q *kmsg.ProduceRequest) *producing {
	p := &producing{records: r, call: c, q: q}
	p.names, p.waiting = slices.Grow(p.room.names[:0], len(q.Topics)), slices.Grow(p.room.waiting[:0], len(q.Topics))
	img := r.Image()
	for i := range q.Topics {
		p.names = append(p.names, nameOf(img, q.Topics[i].Topic, q.Topics[i].TopicID))
	}
	return p
}

func refuseProduce(q *kmsg.ProduceRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.ProduceResponse)
	for i := range q.Topics {
		topic := produceTopic(&q.Topics[i])
		for j := range q.Topics[i].Partitions {
			topic.Partitions = append(topic.Partitions, produceFailed(q.Topics[i].Partitions[j].Partition, code))
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

func produceFailed(partition int32, code int16) kmsg.ProduceResponseTopicPartition {
	out := kmsg.NewProduceResponseTopicPartition()
	out.Partition, out.ErrorCode, out.BaseOffset, out.LogStartOffset = partition, code, -1, -1
	return out
}

func (r *Records) handleProduce(ctx context.Context, c *api.Call, q *kmsg.ProduceRequest, p *producing) api.Answer {
	if q.Acks < -1 || q.Acks > 1 {
		return api.Now(refuseProduce(q, wire.InvalidRequiredAcks))
	}
	p.resp, p.now = q.ResponseKind().(*kmsg.ProduceResponse), r.Clock()
	producer, ok, code := p.transaction()
	switch {
	case code != wire.None && q.Acks == 0:
		return api.Answer{Close: true}
	case code != wire.None:
		return api.Now(refuseProduce(q, code))
	case ok:
		p.verify(ctx, producer)
	}
	p.resp.Topics = make([]kmsg.ProduceResponseTopic, 0, len(q.Topics))
	for i := range q.Topics {
		p.topic(ctx, i, p.names[i])
	}
	throttle := r.Quotas.Produced(c.Session.Principal.Name, c.ClientID, c.Bytes)
	if q.Acks == 0 {
		return api.Answer{Close: p.failed, Throttle: throttle}
	}
	return api.Answer{Later: p.await, Throttle: throttle}
}

// producing is one Produce request on its way.
type producing struct {
	records *Records
	call    *api.Call
	q       *kmsg.ProduceRequest
	// names are those of the request's topics, "" where an id says nothing.
	names   []string
	resp    *kmsg.ProduceResponse
	now     time.Time
	waiting []written
	failed  bool
	// admissions are there for transactional batches that had to be verified.
	admissions map[place]admission
	// room is where names and waiting begin: most requests are about one partition.
	room struct {
		names   [1]string
		waiting [1]written
	}
}

// written is a batch that waits for the disk, and where its answer stands.
type written struct {
	replica.Appended
	topic, partition int
}

// topic appends the batches for one topic and begins its answer.
func (p *producing) topic(ctx context.Context, i int, name string) {
	t := &p.q.Topics[i]
	topic := produceTopic(t)
	for j := range t.Partitions {
		a, err := p.append(ctx, t, name, &t.Partitions[j], p.admissions[place{i, j}])
		if err != nil {
			topic.Partitions = append(topic.Partitions, p.refused(name, t.Partitions[j].Partition, err))
			continue
		}
		p.waiting = append(p.waiting, written{Appended: a, topic: len(p.resp.Topics), partition: j})
		topic.Partitions = append(topic.Partitions, produceDone(t.Partitions[j].Partition, &a))
	}
	p.resp.Topics = append(p.resp.Topics, topic)
}

func (p *producing) append(ctx context.Context, t *kmsg.ProduceRequestTopic, name string, from *kmsg.ProduceRequestTopicPartition, a admission) (replica.Appended, error) {
	part, err := p.find(t, name, from)
	if err == nil {
		err = a.err
	}
	if err == nil {
		wait := api.BeginWait(ctx)
		err = part.Pace(ctx)
		wait.End()
	}
	if err != nil {
		return replica.Appended{}, err
	}
	return part.Append(from.Records, p.q.Acks == -1, p.q.Version >= produceZstd, a.guard, p.now)
}

// find returns the partition to write to, or why this client may not.
func (p *producing) find(t *kmsg.ProduceRequestTopic, name string, from *kmsg.ProduceRequestTopicPartition) (*replica.Replica, error) {
	byID := p.q.Version >= produceTopicIDs
	switch {
	case name == "" && byID:
		return nil, wire.Errorf(wire.UnknownTopicID, "this broker hosts no topic of that id")
	case !p.call.Granted.Has(authz.Write, authz.Topic, name):
		return nil, wire.Errorf(wire.TopicAuthorizationFailed, "not authorized to write to topic %s", name)
	}
	part, err := p.records.find(name, from.Partition, -1)
	switch {
	case err != nil:
		return nil, err
	case byID && part.TopicID() != t.TopicID:
		return nil, wire.Errorf(wire.UnknownTopicID, "topic %s has another id now", name)
	case part.Internal():
		return nil, wire.Errorf(wire.InvalidTopicException, "topic %s is written by the broker alone", name)
	}
	return part, nil
}

func produceDone(partition int32, a *replica.Appended) kmsg.ProduceResponseTopicPartition {
	out := kmsg.NewProduceResponseTopicPartition()
	out.Partition, out.BaseOffset, out.LogAppendTime, out.LogStartOffset = partition, a.BaseOffset, a.AppendTime, a.LogStart
	return out
}

// produceLeaders is the first version of Produce that names leaders and where they are reached (KIP-951). Older clients end on the fields.
const produceLeaders = 10

// refused says what is wrong with a batch: which of its records (KIP-467), or who leads in place of this broker.
func (p *producing) refused(name string, partition int32, err error) kmsg.ProduceResponseTopicPartition {
	p.failed = true
	out := produceFailed(partition, wire.CodeOf(err))
	out.ErrorMessage = toldOf(err)
	var refusal *record.Refusal
	if errors.As(err, &refusal) {
		for i := range refusal.Records {
			blame := kmsg.NewProduceResponseTopicPartitionErrorRecord()
			blame.RelativeOffset, blame.ErrorMessage = refusal.Records[i].Index, &refusal.Records[i].Message
			out.ErrorRecords = append(out.ErrorRecords, blame)
		}
	}
	if p.q.Version < produceLeaders {
		return out
	}
	if l, ok := p.records.leaderAfter(out.ErrorCode, p.call.Conn.Listener, name, partition); ok {
		out.CurrentLeader.LeaderID, out.CurrentLeader.LeaderEpoch = l.id, l.epoch
		p.tellNode(&l)
	}
	return out
}

func (p *producing) tellNode(l *leader) {
	for i := range p.resp.Brokers {
		if p.resp.Brokers[i].NodeID == l.id {
			return
		}
	}
	node := kmsg.NewProduceResponseBroker()
	node.NodeID, node.Host, node.Port, node.Rack = l.id, l.endpoint.Host, l.endpoint.Port, l.rack()
	p.resp.Brokers = append(p.resp.Brokers, node)
}

// await waits until all batches are confirmed, or the client's time is over.
func (p *producing) await(ctx context.Context) kmsg.Response {
	var cancel context.CancelFunc
	for i := range p.waiting {
		w := &p.waiting[i]
		if cancel == nil && !w.Confirmed() {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(p.q.TimeoutMillis)*time.Millisecond)
			defer cancel()
		}
		if err := w.Wait(ctx); err != nil {
			out := &p.resp.Topics[w.topic].Partitions[w.partition]
			*out = produceFailed(out.Partition, wire.CodeOf(err))
			out.ErrorMessage = toldOf(err)
		}
	}
	return p.resp
}
