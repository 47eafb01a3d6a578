package meta

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// CreateACLs adds ACLs. One that is there already is accepted and stored once, as in Apache Kafka.
type CreateACLs struct {
	Origin   Origin          `json:"origin"`
	Bindings []authz.Binding `json:"bindings"`
	// Approval, where set, says what takes two persons.
	Approval *ApprovalRule `json:"approval,omitempty"`
}

func (*CreateACLs) kind() string { return "CreateACLs" }

func (c *CreateACLs) apply(d *draft) {
	for _, b := range c.Bindings {
		if err := b.Validate(); err != nil {
			d.item(b.Name, wire.InvalidRequest, "%s", err)
			d.audit(c.Origin, "ACL", b.Name, wire.InvalidRequest, nil, nil)
			continue
		}
		if s := c.Approval.grant(d.img, b); s != nil {
			if refused := d.passes(c.Approval, c.Origin, s); refused.code != wire.None {
				d.item(b.Name, refused.code, "%s", refused.message)
				d.audit(c.Origin, "ACL", b.Name, refused.code, nil, refused.after())
				continue
			}
		}
		d.item(b.Name, wire.None, "")
		d.audit(c.Origin, "ACL", b.Name, wire.None, nil, aclFields(b))
		d.addACL(b)
	}
}

func aclFields(b authz.Binding) map[string]string {
	return map[string]string{
		"resource.type": b.Type.String(), "resource.name": b.Name, "pattern.type": b.Pattern.String(), "principal": b.Principal,
		"host": b.Host, "operation": b.Operation.String(), "permission": b.Permission.String(),
	}
}
