package meta

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// DeleteACLs removes what its filters match. The result lists per filter what it removed.
type DeleteACLs struct {
	Origin  Origin         `json:"origin"`
	Filters []authz.Filter `json:"filters"`
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
		for _, b := range matched {
			d.audit(c.Origin, "ACL", b.Name, wire.None, aclFields(b), nil)
			d.removeACL(b)
		}
		d.item("", wire.None, "")
		d.result.RemovedACLs = append(d.result.RemovedACLs, matched)
	}
}
