package meta

// AuditProjected drops the audit records up to an index: they are durable in the audit log now.
type AuditProjected struct {
	UpTo uint64 `json:"upTo"`
}

func (*AuditProjected) kind() string { return "AuditProjected" }

func (c *AuditProjected) apply(d *draft) { d.dropAuditUpTo(c.UpTo) }
