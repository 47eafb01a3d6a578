package handler

import (
	"context"
	"errors"
	"strconv"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Changes records changes that are not made by the metadata log. Such a change is an intent, which is durable before the effect
// begins, the effect, and then the outcome.
type Changes interface {
	// Intend returns when the intents are in the audit log. After an error the change must not be made.
	Intend(ctx context.Context, records []meta.AuditRecord) error
	// Done records outcomes.
	Done(ctx context.Context, records []meta.AuditRecord)
}

// intend returns when the intents are in the audit log, or with the code to answer: then the change must not be made.
func intend(ctx context.Context, changes Changes, records []meta.AuditRecord) int16 {
	err := changes.Intend(ctx, records)
	switch {
	case err == nil:
		return wire.None
	case errors.Is(err, context.DeadlineExceeded):
		return wire.RequestTimedOut
	default:
		return wire.KafkaStorageError
	}
}

// detailsPerRecord is how many keys of a state one audit record holds: no more than the audit log keeps of one.
const detailsPerRecord = 256

// changedParts gathers changes of parts of resources into records: one for each resource and outcome, and more where it has
// many parts.
type changedParts struct {
	origin       meta.Origin
	resourceType string
	// action is as in meta.AuditRecord.
	action  string
	records []meta.AuditRecord
	last    map[partsKey]int
}

type partsKey struct {
	resource string
	outcome  int16
}

// partName is a partition as the audit log has it.
func partName(partition int32) string { return strconv.Itoa(int(partition)) }

// add notes what a part was and what it has become; "" means that there is nothing to say.
func (p *changedParts) add(resource, part string, outcome int16, before, after string) {
	key := partsKey{resource, outcome}
	at, begun := p.last[key]
	if !begun || len(p.records[at].After) == detailsPerRecord || len(p.records[at].Before) == detailsPerRecord {
		if p.last == nil {
			p.last = map[partsKey]int{}
		}
		at = len(p.records)
		p.last[key] = at
		p.records = append(p.records, meta.AuditRecord{
			Origin: p.origin, Action: p.action, ResourceType: p.resourceType, Resource: resource, Outcome: outcome,
			Before: map[string]string{}, After: map[string]string{},
		})
	}
	if before != "" {
		p.records[at].Before[part] = before
	}
	if after != "" {
		p.records[at].After[part] = after
	}
}
