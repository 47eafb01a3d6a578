package meta

import "github.com/chronik-stream/chronik/broker/wire"

// SweepApprovals removes requests that take two persons whose time is over. Result.Items names them.
type SweepApprovals struct {
	Origin Origin `json:"origin"`
	// Now is in milliseconds.
	Now int64 `json:"now"`
}

func (*SweepApprovals) kind() string { return "SweepApprovals" }

func (c *SweepApprovals) apply(d *draft) {
	var gone []*Approval
	d.img.Approvals(func(a *Approval) bool {
		if a.Expired(c.Now) {
			gone = append(gone, a)
		}
		return true
	})
	for _, a := range gone {
		d.expireApproval(c.Origin, a)
		d.item(a.ID, wire.None, "")
	}
}
