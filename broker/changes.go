package broker

import (
	"context"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// changes records what clients change outside of the metadata log.
type changes struct {
	audit *audit.Recorder
}

var _ handler.Changes = (*changes)(nil)

// Intend implements handler.Changes.
func (c *changes) Intend(ctx context.Context, records []meta.AuditRecord) error {
	defer api.BeginWait(ctx).End()
	for i := range records {
		e := changeOf(&records[i])
		e.Intent = true
		if i+1 < len(records) {
			if err := c.audit.Record(ctx, e); err != nil {
				return err
			}
			continue
		}
		// The log keeps the order: when it has the last one, it has them all.
		if err := c.audit.Confirm(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// Done implements handler.Changes. The recorder itself counts and logs an event that it can not take.
func (c *changes) Done(ctx context.Context, records []meta.AuditRecord) {
	for i := range records {
		_ = c.audit.Record(ctx, changeOf(&records[i]))
	}
}

func changeOf(r *meta.AuditRecord) audit.Change {
	return audit.Change{
		Index: r.Index, Item: r.Seq, EventID: r.Origin.EventID, Principal: r.Origin.Principal, Host: r.Origin.Host,
		Listener: r.Origin.Listener, ClientID: r.Origin.ClientID, API: r.Origin.API, Action: r.Action, RequestDigest: r.Origin.Digest,
		ResourceType: r.ResourceType, Resource: r.Resource, Code: r.Outcome, CodeName: wire.CodeName(r.Outcome),
		Before: r.Before, After: r.After, Time: r.Origin.Time,
	}
}
