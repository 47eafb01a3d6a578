package meta

import "github.com/chronik-stream/chronik/broker/wire"

// AskApprovals uses up approvals of changes that are not made by the metadata log, or keeps the requests for a second administrator. Each
// of Result.Items is that of a subject.
type AskApprovals struct {
	Origin   Origin        `json:"origin"`
	Approval *ApprovalRule `json:"approval"`
	Subjects []Subject     `json:"subjects"`
}

func (*AskApprovals) kind() string { return "AskApprovals" }

func (c *AskApprovals) apply(d *draft) {
	for i := range c.Subjects {
		s := &c.Subjects[i]
		if c.Approval == nil {
			d.item(s.Resource, wire.InvalidRequest, "An approval is asked for without a rule.")
			continue
		}
		refused := d.passes(c.Approval, c.Origin, s)
		d.item(s.Resource, refused.code, "%s", refused.message)
		if refused.code != wire.None {
			d.audit(c.Origin, s.ResourceType, s.Resource, refused.code, nil, refused.after())
		}
	}
}
