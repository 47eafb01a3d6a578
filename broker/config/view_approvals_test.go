package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestApprovalKeys(t *testing.T) {
	if a := mustLoad(t, loopback).Approvals; len(a.Required) != 0 || a.Expiration != time.Hour {
		t.Errorf("defaults %+v", a)
	}
	a := mustLoad(t, loopback+"chronik.approval.required=super-user-grants, delete-topics,delete-topics\nchronik.approval.expiration.ms=60000").Approvals
	if !slices.Equal(a.Required, []string{ApproveDeleteTopics, ApproveSuperUserGrants}) || a.Expiration != time.Minute {
		t.Errorf("%+v", a)
	}
	for text, want := range map[string]string{
		"chronik.approval.required=DeleteTopics": "must be one of: delete-topics, retention-cuts, super-user-grants, policy-changes",
		"chronik.approval.required=restores":     "no request restores",
		"chronik.approval.expiration.ms=999":     "at least 1000",
		"chronik.approval.required=retention-cuts\nchronik.acl.enabled=false\nchronik.allow.insecure=true": "everybody is an administrator",
	} {
		if _, _, err := load(t, loopback+text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestApprovalsThatAreGotRoundAreWarnedOf(t *testing.T) {
	for text, want := range map[string]string{
		"chronik.approval.required=delete-topics":                                                           "can make himself a second one",
		"chronik.approval.required=delete-topics,super-user-grants\nallow.everyone.if.no.acl.found=true":    "everybody is an administrator",
		"chronik.approval.required=super-user-grants\nchronik.authorizer.mode=opa\nchronik.policies.dir=/p": "the policies make administrators",
		"chronik.approval.required=super-user-grants,policy-changes":                                        "has nothing to hold up",
	} {
		_, warnings, err := load(t, loopback+text)
		if err != nil || !slices.ContainsFunc(warnings, func(w Warning) bool { return strings.Contains(w.Text, want) }) {
			t.Errorf("%s: %v, warnings %v, want %q", text, err, warnings, want)
		}
	}
	for _, sound := range []string{
		"chronik.approval.required=super-user-grants",
		"chronik.approval.required=super-user-grants,policy-changes\nchronik.authorizer.mode=acl+opa\nchronik.policies.dir=/p",
	} {
		if _, warnings, err := load(t, loopback+sound); err != nil || len(warnings) != 0 {
			t.Errorf("%s: %v, warnings %v", sound, err, warnings)
		}
	}
}
