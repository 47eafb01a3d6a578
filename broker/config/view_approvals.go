package config

import (
	"slices"
	"time"
)

// Approvals is what takes the approval of a second administrator.
type Approvals struct {
	// Required is chronik.approval.required, each operation once.
	Required []string
	// Expiration is chronik.approval.expiration.ms.
	Expiration time.Duration
}

func (l *loader) approvals() {
	const key = "chronik.approval.required"
	c := l.config
	required := SplitList(c.text(key))
	slices.Sort(required)
	c.Approvals = Approvals{Required: slices.Compact(required), Expiration: c.millis("chronik.approval.expiration.ms")}
	switch {
	case len(required) == 0:
	case !c.Security.ACLEnabled:
		l.fail("%s has no effect with chronik.acl.enabled=false, where everybody is an administrator", key)
	case c.Security.AllowIfNoACL:
		l.warn(key, "%s: with allow.everyone.if.no.acl.found=true everybody is an administrator, and can approve, until an ACL on the cluster says otherwise", key)
	case c.Policies.Mode == ModeOPA:
		l.warn(key, "%s: with chronik.authorizer.mode=%s the policies make administrators, whose passwords are not known as such: list them in super.users", key, ModeOPA)
	case !slices.Contains(required, ApproveSuperUserGrants):
		l.warn(key, "%s without %s: an administrator can make himself a second one, who approves", key, ApproveSuperUserGrants)
	}
	if slices.Contains(required, ApprovePolicyChanges) && c.Policies.Mode == ModeACL {
		l.warn(key, "%s: %s has nothing to hold up with chronik.authorizer.mode=%s, where there are no policies; the first ones that a broker starts with will be those that are required",
			key, ApprovePolicyChanges, ModeACL)
	}
}
