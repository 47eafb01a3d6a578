package broker

import (
	"context"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
)

// auditBatchBytes is max.message.bytes of the audit topic: the default of Apache Kafka, which the longest event stays below, whatever
// message.max.bytes allows to clients.
const auditBatchBytes = "1048588"

// auditLog keeps audit events in the first partition of the audit topic.
type auditLog struct {
	replicas *replica.Set
	clock    func() time.Time
}

var _ audit.Log = (*auditLog)(nil)

// Append returns when the events are confirmed.
func (l *auditLog) Append(ctx context.Context, events []audit.Entry) error {
	_, err := l.append(ctx, events)
	return err
}

// append returns the offset after the events.
func (l *auditLog) append(ctx context.Context, events []audit.Entry) (next int64, err error) {
	part := l.replicas.Get(controller.AuditTopic, 0)
	if part == nil {
		return 0, wire.Errorf(wire.UnknownTopicOrPartition, "topic %s does not exist", controller.AuditTopic)
	}
	var b record.Builder
	for _, e := range events {
		b.Add(e.Time.UnixMilli(), e.Key, e.Value)
	}
	appended, err := part.AppendOwn(b.Batch(), l.clock())
	if err != nil {
		return 0, err
	}
	return appended.LastOffset + 1, appended.Wait(ctx)
}
