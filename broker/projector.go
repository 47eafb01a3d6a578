package broker

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// projectBatch bounds the events of one append to the audit log; at most half a megabyte of them.
	projectBatch = 64
	// projectRetry is the pause after a failed append.
	projectRetry = time.Second
	// trimDelay gathers projected records before the metadata log is told to drop them: one entry for many.
	trimDelay = 2 * time.Second
)

// projector brings the audit records of the metadata into the audit log, each exactly once: its key is where in the metadata log
// the change was made, and after a restart what is there already is looked up.
type projector struct {
	metadata *metadataLog
	log      *auditLog
	source   audit.Source
	logger   *slog.Logger

	more chan struct{} // wakes run
	// done is the last record that is in the audit log, next is the audit log's offset after it.
	done []byte
	next int64
	// trimmed is the index up to which the metadata log has dropped its records.
	trimmed uint64
}

func newProjector(m *metadataLog, l *auditLog, source audit.Source, logger *slog.Logger) *projector {
	return &projector{metadata: m, log: l, source: source, logger: logger, more: make(chan struct{}, 1)}
}

// Follow is a meta.Subscriber.
func (p *projector) Follow(_, _ *meta.Image, d meta.Delta) {
	if d.AuditAppended {
		p.wake()
	}
}

func (p *projector) wake() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// run projects until the context ends.
func (p *projector) run(ctx context.Context) {
	p.retry(ctx, "look for projected audit records", p.resume)
	trim := time.NewTimer(trimDelay)
	defer trim.Stop()
	for ctx.Err() == nil {
		p.retry(ctx, "project audit records", p.project)
		select {
		case <-ctx.Done():
		case <-p.more:
		case <-trim.C:
			p.retry(ctx, "drop projected audit records", p.trim)
			trim.Reset(trimDelay)
		}
	}
}

// retry does a step until it succeeds or the context ends: an event is never left out.
func (p *projector) retry(ctx context.Context, what string, step func(context.Context) error) {
	for ctx.Err() == nil {
		err := step(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.logger.Error("audit: can not "+what, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(projectRetry):
		}
	}
}

// resume finds the last record that was projected before this start.
func (p *projector) resume(ctx context.Context) error {
	part := p.log.replicas.Get(controller.AuditTopic, 0)
	if part == nil {
		return wire.Errorf(wire.UnknownTopicOrPartition, "topic %s does not exist", controller.AuditTopic)
	}
	if err := part.WaitConfirmed(ctx); err != nil {
		return err
	}
	pending := map[string]bool{}
	p.metadata.Image().PendingAudit(func(r *meta.AuditRecord) bool {
		if e, err := p.event(r); err == nil {
			pending[string(e.Key)] = true
		}
		return true
	})
	next, err := part.Each(ctx, p.metadata.Image().AuditFrom(), func(r record.Record) error {
		if pending[string(r.Key)] && bytes.Compare(r.Key, p.done) > 0 {
			p.done = bytes.Clone(r.Key)
		}
		return nil
	})
	p.next = next
	return err
}

// project appends what is pending and not there yet, in batches.
func (p *projector) project(ctx context.Context) error {
	var batch []audit.Entry
	var err error
	p.metadata.Image().PendingAudit(func(r *meta.AuditRecord) bool {
		var e audit.Entry
		if e, err = p.event(r); err != nil {
			return false
		}
		if bytes.Compare(e.Key, p.done) <= 0 {
			return true
		}
		o := &r.Origin
		p.logger.Info("audit", "event", "change", "api", o.API, "principal", o.Principal, "host", o.Host, "type", r.ResourceType,
			"resource", r.Resource, "outcome", wire.CodeName(r.Outcome), "request", o.EventID)
		if batch = append(batch, e); len(batch) == projectBatch {
			err = p.append(ctx, batch)
			batch = batch[:0]
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return p.append(ctx, batch)
}

func (p *projector) append(ctx context.Context, batch []audit.Entry) error {
	if len(batch) == 0 {
		return nil
	}
	next, err := p.log.append(ctx, batch)
	if err != nil {
		// The outcome is not known: what is in the log counts.
		if again := p.resume(ctx); again != nil {
			return again
		}
		return err
	}
	p.done, p.next = bytes.Clone(batch[len(batch)-1].Key), next
	return nil
}

// trim lets the metadata drop what is projected.
func (p *projector) trim(ctx context.Context) error {
	upTo, pending := uint64(0), false
	p.metadata.Image().PendingAudit(func(r *meta.AuditRecord) bool {
		if e, err := p.event(r); err != nil || bytes.Compare(e.Key, p.done) > 0 {
			pending = true
			return false
		}
		upTo = r.Index
		return true
	})
	if upTo == 0 || pending || upTo == p.trimmed {
		return nil
	}
	if _, err := p.metadata.Propose(ctx, &meta.AuditProjected{UpTo: upTo, Offset: p.next}); err != nil {
		return err
	}
	p.trimmed = upTo
	return nil
}

func (p *projector) event(r *meta.AuditRecord) (audit.Entry, error) {
	return audit.ChangeEvent(p.source, changeOf(r))
}
