package config

import (
	"slices"
	"strings"
)

// The operations that can take two persons; see chronik.approval.required.
const (
	ApproveDeleteTopics    = "delete-topics"
	ApproveRetentionCuts   = "retention-cuts"
	ApproveSuperUserGrants = "super-user-grants"
	ApprovePolicyChanges   = "policy-changes"
)

// approvalKeys are the keys of what takes two persons.
func approvalKeys() []Key {
	return []Key{
		{Name: "chronik.approval.required", Type: List, Check: approvable{}, Effect: ActedOn, Doc: "Which operations take the approval of a second administrator, by chronik approve: delete-topics; retention-cuts, which are shorter or smaller retention, a clean-up that a topic did not have, and deletions of records; super-user-grants, which are ACLs that make administrators and passwords of administrators; policy-changes, which are changes of the policies that may be in force (chronik.policies.digest). See docs/approval.md."},
		{Name: "chronik.approval.expiration.ms", Type: Long, Default: "3600000", Check: between(1000, 30*24*60*60*1000), Effect: ActedOn, Doc: "How long a request waits for its approval, and then how long the approval can be used, in milliseconds."},
	}
}

// approvable says which operations can take two persons, and of others why they can not.
type approvable struct{}

func (approvable) words() []string {
	return []string{ApproveDeleteTopics, ApproveRetentionCuts, ApproveSuperUserGrants, ApprovePolicyChanges}
}

func (a approvable) problem(value string) string {
	for _, v := range SplitList(value) {
		switch {
		case slices.Contains(a.words(), v):
		case v == "restores":
			return "restores can not take an approval: no request restores anything"
		default:
			return "String must be one of: " + strings.Join(a.words(), ", ")
		}
	}
	return ""
}

func (a approvable) allowed() string { return "any of: " + strings.Join(a.words(), ", ") }
