package handler

import (
	"slices"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
)

// Approvals say what takes two persons. The zero value says that nothing does.
type Approvals struct {
	// Operations is chronik.approval.required.
	Operations []string
	// Expiration is chronik.approval.expiration.ms.
	Expiration time.Duration
	// SuperUsers are those of all listeners, in the form Type:name.
	SuperUsers []string
	// OpenByDefault is allow.everyone.if.no.acl.found.
	OpenByDefault bool
}

// rule is what takes two persons of what a call asks for, nil for nothing.
func (a *Approvals) rule(c *api.Call, img *meta.Image) *meta.ApprovalRule {
	if len(a.Operations) == 0 {
		return nil
	}
	return &meta.ApprovalRule{
		Operations: a.Operations, Parties: partiesOf(c, img), Lasts: a.Expiration.Milliseconds(),
		Most: limit.Approvals, MostOf: limit.ApprovalsOf, MostBytes: limit.ApprovalBytes,
		SuperUsers: a.SuperUsers, TwoForOthers: true, OpenByDefault: a.OpenByDefault,
	}
}

// Requires reports whether an operation takes two persons.
func (a *Approvals) Requires(operation string) bool { return slices.Contains(a.Operations, operation) }

// partiesOf are those who may have sent a request: anybody where there was no log-in, else its principal, and, where he came by a delegation token, all who may have its secret.
func partiesOf(c *api.Call, img *meta.Image) []string {
	if c.Session == nil || c.Session.Principal == auth.Anonymous() {
		return []string{auth.Anonymous().String(), meta.AnyParty}
	}
	parties := []string{c.Session.Principal.String()}
	if c.Session.Token == "" {
		return parties
	}
	t := img.Token(c.Session.Token)
	if t == nil {
		return append(parties, meta.AnyParty)
	}
	return distinct(append(append(parties, t.Owner, t.Requester), t.Renewers...))
}
