package meta

import (
	"strconv"

	"github.com/chronik-stream/chronik/broker/wire"
)

// What happens to requests that take two persons, as actions of audit records.
const (
	ApprovalAsked    = "CreateApproval"
	ApprovalApproved = "ApproveApproval"
	ApprovalDenied   = "RejectApproval"
	ApprovalUsed     = "UseApproval"
	ApprovalExpired  = "ExpireApproval"
)

// auditApproval records what has become of a request that takes two persons, or of a decision about one.
func (d *draft) auditApproval(o Origin, action, id string, code int16, before, after *Approval) {
	d.auditAction(o, action, "APPROVAL", id, code, before.fields(), after.fields())
	if code == wire.None {
		d.delta.Approvals = append(d.delta.Approvals, action)
	}
}

// fields are all that is known of a request, for the audit log and for who decides; nil of nil.
func (a *Approval) fields() map[string]string {
	if a == nil {
		return nil
	}
	return a.Fields()
}

// Fields are all that is known of a request that takes two persons, by names that stay.
func (a *Approval) Fields() map[string]string {
	s := &a.Subject
	out := map[string]string{
		"state": a.State.String(), "operation": s.Operation, "action": s.Action, "resource.type": s.ResourceType, "resource": s.Resource,
		"digest": a.Digest, "requester": a.Requester, "host": a.Host, "asked": strconv.FormatInt(a.Asked, 10),
		"expires": strconv.FormatInt(a.Expires, 10),
	}
	if s.ResourceID != "" {
		out["resource.id"] = s.ResourceID
	}
	if a.Two {
		out["administrators"] = "2"
	}
	if a.First != "" {
		out["first"] = a.First
	}
	if a.Decider != "" {
		out["decider"], out["decided"] = a.Decider, strconv.FormatInt(a.Decided, 10)
	}
	for k, v := range s.Before {
		out["before."+k] = v
	}
	for k, v := range s.After {
		out["after."+k] = v
	}
	return out
}
