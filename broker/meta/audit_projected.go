package meta

// AuditProjected drops the audit records up to an index: they are durable in the audit log now.
type AuditProjected struct {
	UpTo uint64 `json:"upTo"`
	// Offset is the end of the audit log after them: later records are looked for from there on.
	Offset int64 `json:"offset"`
}

func (*AuditProjected) kind() string { return "AuditProjected" }

func (c *AuditProjected) apply(d *draft) {
	d.dropAuditUpTo(c.UpTo)
	d.img.auditFrom = max(d.img.auditFrom, c.Offset)
}
