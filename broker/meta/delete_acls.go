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
		var matched []authz.Binding
		d.img.MatchingACLs(f, func(b authz.Binding) bool {
			matched = append(matched, b)
			return true
		})
		if refused := c.admit(d, matched); refused.code != wire.None {
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

// admit uses up the approvals of all that a filter removes, or refuses: a filter removes all or nothing.
func (c *DeleteACLs) admit(d *draft, matched []authz.Binding) refusal {
	var approvals []*Approval
	var refused refusal
	for _, b := range matched {
		s := c.Approval.loosening(b)
		if s == nil {
			continue
		}
		a, why := d.approvalFor(c.Approval, c.Origin, s)
		if approvals = append(approvals, a); why.code != wire.None {
			refused = why
		}
	}
	if refused.code != wire.None {
		return refused
	}
	for _, a := range approvals {
		d.useApproval(c.Origin, a)
	}
	return refusal{}
}
