package meta

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// DeleteACLs removes what its filters match. The result lists per filter what it removed.
type DeleteACLs struct {
	Origin  Origin         `json:"origin"`
	Filters []authz.Filter `json:"filters"`
	// Approval, where set, says what takes two persons.
	Approval *ApprovalRule `json:"approval,omitempty"`
}

func (*DeleteACLs) kind() string { return "DeleteACLs" }

func (c *DeleteACLs) apply(d *draft) {
	for _, f := range c.Filters {
		if !f.Known() {
			d.item("", wire.InvalidRequest, "The filter has an unknown element.")
			d.result.RemovedACLs = append(d.result.RemovedACLs, nil)
			continue
		}
		matched, refused := c.match(d, f)
		if refused.code != wire.None {
			d.item("", refused.code, "%s", refused.message)
			d.audit(c.Origin, "ACL", "", refused.code, nil, refused.after())
			d.result.RemovedACLs = append(d.result.RemovedACLs, nil)
			continue
		}
		for _, b := range matched {
			d.audit(c.Origin, "ACL", b.Name, wire.None, aclFields(b), nil)
			d.removeACL(b)
		}
		d.item("", wire.None, "")
		d.result.RemovedACLs = append(d.result.RemovedACLs, matched)
	}
}

// match finds all that a filter removes and uses up the approvals of it, or refuses: a filter removes all or nothing. It stops at what there
// is no room to keep a request for, since there may be thousands more.
func (c *DeleteACLs) match(d *draft, f authz.Filter) ([]authz.Binding, refusal) {
	var matched []authz.Binding
	var approvals []*Approval
	var refused refusal
	d.img.MatchingACLs(f, func(b authz.Binding) bool {
		matched = append(matched, b)
		s := c.Approval.loosening(b)
		if s == nil {
			return true
		}
		a, why := d.approvalFor(c.Approval, c.Origin, s)
		if approvals = append(approvals, a); why.code != wire.None {
			refused = why
		}
		return why.code == wire.None || why.id != ""
	})
	if refused.code != wire.None {
		return nil, refused
	}
	for _, a := range approvals {
		d.useApproval(c.Origin, a)
	}
	return matched, refusal{}
}
