package rego_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/rego"
)

// ofStaff allows who is in the group staff, with a reason either way.
const ofStaff = `package kafka.authz
import rego.v1
allow if "staff" in input.groups
reason := "is of the staff" if allow
reason := "is not of the staff" if not allow
`

// TestExplanationsSayWhoDecided: in each mode the explanation is what is decided, and says what ACLs and policies say.
func TestExplanationsSayWhoDecided(t *testing.T) {
	stranger := subject("eve")
	stranger.Session = nil
	byACL := func(p authz.Permission, user, name string) *authz.Binding { b := binding(p, user, name); return &b }
	acls := withACLs(*byACL(authz.Allow, "alice", "t"), *byACL(authz.Allow, "eve", "t"), *byACL(authz.Deny, "alice", "denied"))
	granted := authz.Decision{Allowed: true, Reason: acl.ReasonACL, Rule: byACL(authz.Allow, "alice", "t")}
	toEve := authz.Decision{Allowed: true, Reason: acl.ReasonACL, Rule: byACL(authz.Allow, "eve", "t")}
	denied := authz.Decision{Reason: acl.ReasonACL, Rule: byACL(authz.Deny, "alice", "denied")}
	none := authz.Decision{Reason: acl.ReasonDefault}
	super := authz.Decision{Allowed: true, Final: true, Reason: acl.ReasonSuperUser}
	staff := authz.Decision{Allowed: true, Reason: rego.ReasonAllowed + ": is of the staff"}
	others := authz.Decision{Reason: rego.ReasonDenied + ": is not of the staff"}
	both := func(decided, acls authz.Decision, policies *authz.Decision) authz.Explanation {
		return authz.Explanation{Decision: decided, ACLs: acls, Policies: policies}
	}
	cases := map[string]struct {
		mode rego.Mode
		who  authz.Subject
		on   string
		want authz.Explanation
	}{
		"both, by both":              {rego.Both, subject("alice"), "t", both(staff, granted, &staff)},
		"both, no ACL":               {rego.Both, subject("alice"), "u", both(none, none, nil)},
		"both, not the policies":     {rego.Both, stranger, "t", both(others, toEve, &others)},
		"policies, whatever ACLs":    {rego.Policies, subject("alice"), "u", both(staff, none, &staff)},
		"policies, but an ACL":       {rego.Policies, subject("alice"), "denied", both(denied, denied, nil)},
		"policies, but a super user": {rego.Policies, subject("root"), "t", both(super, super, nil)},
		"shadow":                     {rego.Shadow, subject("alice"), "u", both(none, none, &staff)},
		"no such mode":               {9, subject("alice"), "t", both(authz.Decision{Reason: "mode 9 of the authorizer"}, granted, nil)},
	}
	for name, c := range cases {
		s := newSetup(t, map[string]string{"p.rego": ofStaff})
		recorded := 0
		count := func(rego.Event) { recorded++ }
		a := rego.NewAuthorizer(rego.Rules{Mode: c.mode, ACLs: acls, Engine: s.start(t), Differs: count, Noted: count})
		got := authz.Explain(a.Pin(), c.who, authz.Read, topic(c.on))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if stats := s.engine.Stats(); recorded != 0 || stats.Evaluations+stats.Cached+stats.Undecided != 0 {
			t.Errorf("%s: the explanation has left %d events, and %+v", name, recorded, stats)
		}
		if decided := a.Pin().Decide(c.who, authz.Read, topic(c.on)); cmp.Diff(decided, got.Decision) != "" {
			t.Errorf("%s: explained as %+v, decided as %+v", name, got.Decision, decided)
		}
	}
}

// TestWhatWasExplainedIsRecordedWhenItIsDone: an explanation does not take away the event of an allowance that says why.
func TestWhatWasExplainedIsRecordedWhenItIsDone(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": ofStaff})
	recorded := 0
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t), Noted: func(rego.Event) { recorded++ }})
	for range 2 {
		authz.Explain(a.Pin(), subject("alice"), authz.Read, topic("t"))
	}
	a.Pin().Decide(subject("alice"), authz.Read, topic("t"))
	if recorded != 1 {
		t.Errorf("%d events of one thing done", recorded)
	}
}
