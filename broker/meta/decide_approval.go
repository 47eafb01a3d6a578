package meta

import (
	"fmt"
	"slices"

	"github.com/chronik-stream/chronik/broker/wire"
)

// DecideApproval approves or rejects a request that takes two persons. To reject takes an approval back as well, until it is used; the
// requester may do that too.
type DecideApproval struct {
	Origin  Origin `json:"origin"`
	ID      string `json:"id"`
	Approve bool   `json:"approve"`
	// Parties are those who may have sent this decision, as in Approval.
	Parties []string `json:"parties"`
	// Lasts is how long an approval may be used, in milliseconds.
	Lasts int64 `json:"lasts"`
}

func (*DecideApproval) kind() string { return "DecideApproval" }

func (c *DecideApproval) apply(d *draft) {
	action := ApprovalDenied
	if c.Approve {
		action = ApprovalApproved
	}
	before := d.img.Approval(c.ID)
	if code, message := c.check(before); code != wire.None {
		d.item(c.ID, code, "%s", message)
		d.auditApproval(c.Origin, action, c.ID, code, before, nil)
		return
	}
	now := c.Origin.Time.UnixMilli()
	after := *before
	switch {
	case !c.Approve:
		after.Decider, after.Decided, after.State = c.Origin.Principal, now, ApprovalRejected
	case before.Two && before.First == "":
		after.First, after.Parties = c.Origin.Principal, slices.Concat(before.Parties, c.Parties)
	default:
		after.Decider, after.Decided, after.State, after.Expires = c.Origin.Principal, now, ApprovalGiven, Later(now, c.Lasts)
	}
	d.putApproval(&after)
	d.item(c.ID, wire.None, "")
	d.auditApproval(c.Origin, action, c.ID, wire.None, before, &after)
}

// check says why a request is not decided so.
func (c *DecideApproval) check(a *Approval) (code int16, message string) {
	switch {
	case a == nil || a.Expired(c.Origin.Time.UnixMilli()):
		return wire.ResourceNotFound, "There is no request " + c.ID + ", or its time is over."
	case c.Approve && shared(a.Parties, c.Parties):
		return wire.PolicyViolation, "The request " + c.ID + " may be one's own: it takes an administrator who has neither asked for it, nor approved it before, nor has to do with the delegation token that it came by, or that the approval comes by."
	case c.Approve && a.State != ApprovalPending, a.State == ApprovalRejected:
		return wire.InvalidRequest, fmt.Sprintf("The request %s was %s by %s.", c.ID, a.State, a.Decider)
	default:
		return wire.None, ""
	}
}

// shared reports whether somebody may be of both parties.
func shared(a, b []string) bool {
	return slices.Contains(a, AnyParty) || slices.Contains(b, AnyParty) ||
		slices.ContainsFunc(a, func(p string) bool { return slices.Contains(b, p) })
}
