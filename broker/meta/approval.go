package meta

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/authz"
)

// ApprovalState is what has become of a request that takes two persons; zero is invalid.
type ApprovalState uint8

// The states.
const (
	// ApprovalPending waits for a second administrator.
	ApprovalPending ApprovalState = iota + 1
	// ApprovalGiven may be used once, by its requester.
	ApprovalGiven
	// ApprovalRejected is kept until its time is over, so that who asks again is told.
	ApprovalRejected
)

// String is the name that administrators see.
func (s ApprovalState) String() string {
	switch s {
	case ApprovalPending:
		return "pending"
	case ApprovalGiven:
		return "approved"
	case ApprovalRejected:
		return "rejected"
	default:
		return "unknown"
	}
}

// The operations that chronik.approval.required can list.
const (
	// ApproveDeleteTopics are deletions of topics.
	ApproveDeleteTopics = "delete-topics"
	// ApproveRetentionCuts are changes after which records are kept for less long, and deletions of records.
	ApproveRetentionCuts = "retention-cuts"
	// ApproveSuperUserGrants are changes that make administrators, or by which one becomes another.
	ApproveSuperUserGrants = "super-user-grants"
	// ApprovePolicyChanges are changes of which policies may be in force.
	ApprovePolicyChanges = "policy-changes"
)

// AnyParty stands among parties where it is not known who they are, as of a delegation token that has just been removed.
const AnyParty = "*"

// Approval is a request that takes two persons. It is immutable once it is part of an image.
type Approval struct {
	ID      string        `json:"id"`
	State   ApprovalState `json:"state"`
	Subject Subject       `json:"subject"`
	// Digest is that of the subject and the requester, in hexadecimal: the same request again finds it.
	Digest string `json:"digest"`
	// Requester is of the form Type:name.
	Requester string `json:"requester"`
	Host      string `json:"host"`
	// Parties are those who may have sent the request: the requester, and whoever may have the secret of a delegation token of his. Where it takes
	// two administrators, whoever may have sent the first approval is one of them.
	Parties []string `json:"parties"`
	// Two says that it takes two administrators, since the requester is none: one of them may have made the requester. First has approved it then, if
	// somebody has.
	Two   bool   `json:"two,omitempty"`
	First string `json:"first,omitempty"`
	// Asked and Expires are in milliseconds since 1970. At Expires it is over, unless it was decided; an approval has a time of its own.
	Asked   int64 `json:"asked"`
	Expires int64 `json:"expires"`
	// Decider is who has approved or rejected it, and Decided when; "" and 0 while it is pending.
	Decider string `json:"decider,omitempty"`
	Decided int64  `json:"decided,omitempty"`
}

// Expired reports whether the approval is over.
func (a *Approval) Expired(now int64) bool { return a.Expires <= now }

// Subject is what a request asks for, whichever API, version or client it comes by.
type Subject struct {
	// Operation is one that chronik.approval.required can list, Action what is done, such as DeleteTopic.
	Operation string `json:"operation"`
	Action    string `json:"action"`
	// ResourceType and Resource are as in the audit log. ResourceID is a topic's id: one that is made anew under the name is another.
	ResourceType string `json:"resourceType"`
	Resource     string `json:"resource"`
	ResourceID   string `json:"resourceId,omitempty"`
	// Right is what the request has to be allowed, and so does its approver.
	Right Right `json:"right"`
	// Before and After are the state of the resource as far as it changes.
	Before map[string]string `json:"before,omitempty"`
	After  map[string]string `json:"after,omitempty"`
}

// Right is an operation on a resource.
type Right struct {
	Operation authz.Operation    `json:"operation"`
	Type      authz.ResourceType `json:"type"`
	Name      string             `json:"name"`
}

// digestForm names what follows in a digest; docs/formats.md has it.
const digestForm = "chronik-approval-1"

// digest is that of the subject when a principal asks for it, in hexadecimal.
func (s *Subject) digest(requester string) string {
	h := sha256.New()
	number := func(n int) { _, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(n))) } //nolint:gosec // a length
	text := func(t string) {
		number(len(t))
		_, _ = h.Write([]byte(t))
	}
	for _, t := range []string{digestForm, requester, s.Operation, s.Action, s.ResourceType, s.Resource, s.ResourceID} {
		text(t)
	}
	for _, state := range []map[string]string{s.Before, s.After} {
		number(len(state))
		for _, key := range slices.Sorted(maps.Keys(state)) {
			text(key)
			text(state[key])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// bytes is what the state takes.
func (s *Subject) bytes() int {
	n := 0
	for _, state := range []map[string]string{s.Before, s.After} {
		for k, v := range state {
			n += len(k) + len(v)
		}
	}
	return n
}

// approvalID is not to be guessed, nor mistaken for another one: an administrator may type it.
func approvalID(event, digest string) string {
	sum := sha256.Sum256([]byte(event + "\x00" + digest))
	return base32.StdEncoding.EncodeToString(sum[:10])
}

// Approval returns a request that takes two persons by its id, or nil. It may be over.
func (img *Image) Approval(id string) *Approval {
	a, _ := img.approvals.Get([]byte(id))
	return a
}

// Approvals calls yield for each request that takes two persons, in the order of ids.
func (img *Image) Approvals(yield func(*Approval) bool) {
	img.approvals.Root().Walk(func(_ []byte, a *Approval) bool { return !yield(a) })
}

func (d *draft) putApproval(a *Approval) {
	d.img.approvals, _, _ = d.img.approvals.Insert([]byte(a.ID), a)
	d.img.approvalsByDigest, _, _ = d.img.approvalsByDigest.Insert([]byte(a.Digest), a)
}

func (d *draft) removeApproval(a *Approval) {
	d.requests = nil // to be counted again
	d.img.approvals, _, _ = d.img.approvals.Delete([]byte(a.ID))
	d.img.approvalsByDigest, _, _ = d.img.approvalsByDigest.Delete([]byte(a.Digest))
}
