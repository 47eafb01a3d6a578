package meta

import (
	"fmt"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

// ApprovalRule is what takes two persons, as the broker's configuration has it and for the session that asks. It stands in the command, so
// that a broker which reads the entry again, under another configuration, comes to the same result.
type ApprovalRule struct {
	// Operations are those of chronik.approval.required.
	Operations []string `json:"operations"`
	// Parties are as in Approval.
	Parties []string `json:"parties"`
	// Lasts is how long a request waits, and how long an approval may be used, in milliseconds.
	Lasts int64 `json:"lasts"`
	// Most bounds the requests there are at a time, MostOf those of one requester, MostBytes what one says of its resource.
	Most      int `json:"most"`
	MostOf    int `json:"mostOf"`
	MostBytes int `json:"mostBytes"`
	// SuperUsers are those of the configuration, in the form Type:name.
	SuperUsers []string `json:"superUsers,omitempty"`
	// TwoForOthers has a request of who is no administrator take two of them.
	TwoForOthers bool `json:"twoForOthers,omitempty"`
	// OpenByDefault is allow.everyone.if.no.acl.found: to remove an ACL may allow something.
	OpenByDefault bool `json:"openByDefault,omitempty"`
}

// covers reports whether an operation takes two persons; where there is no rule, none does.
func (r *ApprovalRule) covers(operation string) bool {
	return r != nil && slices.Contains(r.Operations, operation)
}

// refusal is why an item of a command is not carried out; the zero value says that it is. id is that of the request that takes an approval.
type refusal struct {
	code    int16
	message string
	id      string
}

// after is what the audit record of a refused item says.
func (r *refusal) after() map[string]string {
	if r.id == "" {
		return nil
	}
	return map[string]string{"approval": r.id}
}

// passes uses up the approval of what a command asks for, or says that there is none and keeps the request, for a second administrator.
func (d *draft) passes(rule *ApprovalRule, o Origin, s *Subject) refusal {
	a, refused := d.approvalFor(rule, o, s)
	if refused.code == wire.None {
		d.useApproval(o, a)
	}
	return refused
}

// passesAll is passes for all that one change asks for: the approvals are used up together, or none is.
func (d *draft) passesAll(rule *ApprovalRule, o Origin, subjects []*Subject) refusal {
	var approvals []*Approval
	var refused refusal
	for _, s := range subjects {
		a, why := d.approvalFor(rule, o, s)
		if approvals = append(approvals, a); why.code != wire.None {
			refused = why
		}
	}
	if refused.code != wire.None {
		return refused
	}
	for _, a := range approvals {
		d.useApproval(o, a)
	}
	return refusal{}
}

// approvalFor finds the approval of what a command asks for, or keeps the request and refuses.
func (d *draft) approvalFor(rule *ApprovalRule, o Origin, s *Subject) (*Approval, refusal) {
	now, digest := o.Time.UnixMilli(), s.digest(o.Principal)
	a, _ := d.img.approvalsByDigest.Get([]byte(digest))
	if a != nil && a.Expired(now) {
		d.expireApproval(o, a)
		a = nil
	}
	if a == nil {
		var refused refusal
		if a, refused = d.newApproval(rule, o, s, digest); a == nil {
			return nil, refused
		}
	}
	until := time.UnixMilli(a.Expires).UTC().Format(time.RFC3339)
	switch a.State {
	case ApprovalGiven:
		return a, refusal{}
	case ApprovalRejected:
		return nil, refusal{wire.PolicyViolation, fmt.Sprintf("The request %s was rejected by %s; it can be asked for again after %s.", a.ID, a.Decider, until), a.ID}
	default:
		return nil, refusal{wire.PolicyViolation, fmt.Sprintf(
			"This takes the approval of %s, by %s: chronik approve %s. Then ask for the same again.", a.lacks(), until, a.ID,
		), a.ID}
	}
}

// lacks is whose approval a request waits for.
func (a *Approval) lacks() string {
	switch {
	case !a.Two:
		return "a second administrator"
	case a.First == "":
		return "two administrators"
	default:
		return "another administrator than " + a.First
	}
}

// newApproval keeps a request, or says why it can not be kept.
func (d *draft) newApproval(rule *ApprovalRule, o Origin, s *Subject, digest string) (*Approval, refusal) {
	of := d.requestsOf(o.Principal)
	why := ""
	switch {
	case slices.Contains(rule.Parties, AnyParty):
		why = "This takes the approval of a second administrator, and nobody knows who asks for it: it takes a log-in of one's own."
	case s.bytes() > rule.MostBytes:
		why = fmt.Sprintf("This takes the approval of a second administrator, and is too much to look at: %d bytes, at most %d are.", s.bytes(), rule.MostBytes)
	case *of >= rule.MostOf:
		why = fmt.Sprintf("This takes the approval of a second administrator, and %d requests of yours wait or are decided already.", *of)
	case d.img.approvals.Len() >= rule.Most:
		why = fmt.Sprintf("This takes the approval of a second administrator, and %d requests wait or are decided already.", d.img.approvals.Len())
	}
	if why != "" {
		return nil, refusal{wire.PolicyViolation, why, ""}
	}
	now := o.Time.UnixMilli()
	a := &Approval{
		ID: approvalID(o.EventID, digest), State: ApprovalPending, Subject: *s, Digest: digest, Requester: o.Principal, Host: o.Host,
		Parties: rule.Parties, Asked: now, Expires: Later(now, rule.Lasts),
		Two: rule.TwoForOthers && !rule.isAdministrator(d, o.Principal),
	}
	d.putApproval(a)
	*of++
	d.auditApproval(o, ApprovalAsked, a.ID, wire.None, nil, a)
	return a, refusal{}
}

// requestsOf counts the requests of the command's requester, once for a command: it may ask for thousands of things.
func (d *draft) requestsOf(requester string) *int {
	if d.requests == nil {
		d.requests = new(int)
		d.img.Approvals(func(a *Approval) bool {
			if a.Requester == requester {
				*d.requests++
			}
			return true
		})
	}
	return d.requests
}

// useApproval takes an approval away: it was for one time.
func (d *draft) useApproval(o Origin, a *Approval) {
	d.removeApproval(a)
	d.auditApproval(o, ApprovalUsed, a.ID, wire.None, a, nil)
}

func (d *draft) expireApproval(o Origin, a *Approval) {
	d.removeApproval(a)
	d.auditApproval(o, ApprovalExpired, a.ID, wire.None, a, nil)
}
