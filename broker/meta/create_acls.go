package meta

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// CreateACLs adds ACLs. One that is there already is accepted and stored once, as in Apache Kafka.
type CreateACLs struct {
	Origin   Origin          `json:"origin"`
	Bindings []authz.Binding `json:"bindings"`
}

func (*CreateACLs) kind() string { return "CreateACLs" }

func (c *CreateACLs) apply(d *draft) {
	for _, b := range c.Bindings {
		if err := b.Validate(); err != nil {
			d.item(b.Name, wire.InvalidRequest, "%s", err)
			d.audit(c.Origin, "ACL", b.Name, wire.InvalidRequest, nil, nil)
			continue
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
