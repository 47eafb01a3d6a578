package explain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/explain"
)

func binding(p authz.Permission, principal, host, name string) authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: name, Pattern: authz.Literal, Principal: principal, Host: host, Operation: authz.Read, Permission: p,
	}
}

var config = acl.Config{
	SuperUsers:   []auth.Principal{auth.User("root")},
	SuperUsersBy: map[string][]auth.Principal{"INSIDE": {auth.User("operator")}},
}

func rules(acls ...authz.Binding) *explain.Rules {
	a := acl.New(config)
	a.Load(1, acls)
	return &explain.Rules{
		Mode: "acl", Authorizer: a, Protocols: map[string]string{"INSIDE": "SASL_SSL", "OUTSIDE": "SSL"},
		ACLs: func(f authz.Filter, yield func(authz.Binding) bool) {
			for _, b := range acls {
				if f.Matches(b) && !yield(b) {
					return
				}
			}
		},
		Invariant: func(op authz.Operation, on authz.Resource) string {
			if op == authz.Write && on.Name == "__own" {
				return "nobody writes it"
			}
			return ""
		},
	}
}

func reads(principal string) explain.Question {
	return explain.Question{Principal: principal, Operation: "READ", ResourceType: "TOPIC", Name: "t"}
}

func answer(t *testing.T, r *explain.Rules, q explain.Question) *explain.Answer {
	t.Helper()
	text, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	asked, err := explain.DecodeQuestion(text)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Answer(asked)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = a.Encode(); err != nil {
		t.Fatal(err)
	}
	got, err := explain.DecodeAnswer(text)
	if err != nil || cmp.Diff(a, got) != "" {
		t.Fatalf("%v: %s", err, cmp.Diff(a, got))
	}
	return got
}

// TestAnswersNameTheRule: by each rule, and with the ACL in the words of Apache Kafka.
func TestAnswersNameTheRule(t *testing.T) {
	r := rules(binding(authz.Allow, "User:alice", "*", "t"), binding(authz.Deny, "User:eve", "*", "t"), binding(authz.Allow, "User:*", "*", "t"))
	named := func(permission, principal string) *explain.ACL {
		return &explain.ACL{
			ResourceType: "TOPIC", Name: "t", PatternType: "LITERAL", Principal: principal, Host: "*", Operation: "READ", PermissionType: permission,
		}
	}
	for principal, want := range map[string]explain.Verdict{
		"User:root":  {Allowed: true, Reason: acl.ReasonSuperUser},
		"User:eve":   {Reason: acl.ReasonACL, ACL: named("DENY", "User:eve")},
		"User:bob":   {Allowed: true, Reason: acl.ReasonACL, ACL: named("ALLOW", "User:*")},
		"Group:bobs": {Allowed: true, Reason: acl.ReasonACL, ACL: named("ALLOW", "User:*")},
	} {
		got := answer(t, r, reads(principal))
		if diff := cmp.Diff(want, got.Case.Verdict); diff != "" || got.Allowed() != want.Allowed || got.Elsewhere != nil {
			t.Errorf("%s: %s%+v", principal, diff, got.Elsewhere)
		}
	}
	q := reads("User:alice")
	q.Operation = "DescribeConfigs"
	if got := answer(t, r, q); got.Allowed() || got.Case.Reason != acl.ReasonDefault {
		t.Errorf("no ACL: %+v", got)
	}
}

func TestWhatIsRefusedToEverybodyIsDenied(t *testing.T) {
	q := reads("User:root")
	q.Name, q.Operation = "__own", "WRITE"
	if got := answer(t, rules(), q); got.Allowed() || !got.Case.Allowed || got.Invariant != "nobody writes it" {
		t.Errorf("%+v", got)
	}
}

// TestAnswersNameHostsAndListeners that the question leaves open.
func TestAnswersNameHostsAndListeners(t *testing.T) {
	r := rules(
		binding(authz.Allow, "User:operator", "10.0.0.1", "t"), binding(authz.Deny, "User:*", "10.0.0.2", "t"),
		binding(authz.Allow, "User:operator", "10.0.0.3", "u"), binding(authz.Allow, "User:bob", "10.0.0.4", "t"),
	)
	got := answer(t, r, reads("User:operator"))
	var elsewhere []string
	for _, c := range got.Elsewhere {
		elsewhere = append(elsewhere, fmt.Sprintf("%s%s %v %s", c.Host, c.Listener, c.Allowed, c.Reason))
	}
	want := []string{"10.0.0.1 true ACL", "10.0.0.2 false ACL", "INSIDE true super user"}
	if diff := cmp.Diff(want, elsewhere); diff != "" || got.Allowed() {
		t.Error(diff)
	}
	q := reads("User:operator")
	q.Host, q.Listener = "10.0.0.1", "OUTSIDE"
	if got := answer(t, r, q); !got.Allowed() || got.Elsewhere != nil {
		t.Errorf("from one host: %+v", got)
	}
}

func TestHostsAreBounded(t *testing.T) {
	var acls []authz.Binding
	for i := range 100 {
		acls = append(acls, binding(authz.Allow, "User:alice", fmt.Sprintf("10.0.0.%d", i+1), "t"))
	}
	if got := answer(t, rules(acls...), reads("User:alice")); len(got.Elsewhere) != 64 || got.Omitted != 36 {
		t.Errorf("%d elsewhere, %d omitted", len(got.Elsewhere), got.Omitted)
	}
}

func TestBadQuestions(t *testing.T) {
	for name, change := range map[string]func(*explain.Question){
		"nobody":             func(q *explain.Question) { q.Principal = "alice" },
		"unknown operation":  func(q *explain.Question) { q.Operation = "REED" },
		"all operations":     func(q *explain.Question) { q.Operation = "ALL" },
		"unknown type":       func(q *explain.Question) { q.ResourceType = "TABLE" },
		"no name":            func(q *explain.Question) { q.Name = "" },
		"another cluster":    func(q *explain.Question) { q.ResourceType = "CLUSTER" },
		"a host's name":      func(q *explain.Question) { q.Host = "localhost" },
		"groups of hundreds": func(q *explain.Question) { q.Groups = make([]string, 1001) },
	} {
		q := reads("User:alice")
		change(&q)
		if a, err := rules().Answer(&q); !errors.Is(err, explain.ErrBadQuestion) || !errors.Is(q.Validate(), explain.ErrBadQuestion) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	for _, text := range []string{"", "{", "[]", `{"principle": "User:alice"}`, `{} {}`, `{"groups": "a"}`, `{"name": "` + strings.Repeat("a", 32<<10) + `"}`} {
		if q, err := explain.DecodeQuestion(text); !errors.Is(err, explain.ErrBadQuestion) {
			t.Errorf("%.40s: %+v, %v", text, q, err)
		}
	}
	long := reads("User:" + strings.Repeat("a", 32<<10))
	if _, err := long.Encode(); !errors.Is(err, explain.ErrBadQuestion) {
		t.Errorf("a long question: %v", err)
	}
}

func FuzzQuestion(f *testing.F) {
	q := reads("User:alice")
	text, err := q.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(`{"principal":"User:a","operation":"read","resourceType":"cluster","name":"kafka-cluster","host":"::1"}`)
	r := rules(binding(authz.Allow, "User:a", "::1", "t"))
	f.Fuzz(func(t *testing.T, text string) {
		q, err := explain.DecodeQuestion(text)
		if err != nil {
			return
		}
		a, err := r.Answer(q)
		if (err == nil) != (q.Validate() == nil) || err == nil && a.Case.Reason == "" {
			t.Errorf("%+v: %+v, %v", q, a, err)
		}
	})
}

// TestWhoCanIsWhatIsDecided: for each principal and host that ACLs name, and for others, what is listed is what is decided.
func TestWhoCanIsWhatIsDecided(t *testing.T) {
	principals := []string{"User:a", "User:b", "User:*", "Group:a", "User:root"}
	hosts := []string{"*", "10.0.0.1", "10.0.0.2"}
	rapid.Check(t, func(t *rapid.T) {
		var acls []authz.Binding
		for range rapid.IntRange(0, 8).Draw(t, "ACLs") {
			b := binding(rapid.SampledFrom([]authz.Permission{authz.Allow, authz.Deny}).Draw(t, "permission"),
				rapid.SampledFrom(principals).Draw(t, "principal"), rapid.SampledFrom(hosts).Draw(t, "host"), "t")
			acls = append(acls, b)
		}
		a := acl.New(config)
		a.Load(1, acls)
		listed := map[[2]string]authz.Decision{}
		for _, access := range explain.WhoCan(a.Pin(), acls, authz.Read, authz.Resource{Type: authz.Topic, Name: "t"}) {
			listed[[2]string{access.Principal, access.Host}] = access.Decision
		}
		for _, principal := range append(principals, "User:another-again", "Role:x") {
			for _, host := range append(hosts, "10.0.0.9") {
				who, err := auth.ParsePrincipal(principal)
				if err != nil {
					t.Fatal(err)
				}
				want := a.Pin().Decide(authz.Subject{Principal: who, Host: host}, authz.Read, authz.Resource{Type: authz.Topic, Name: "t"})
				if got := lookUp(listed, principal, host); got != want && principal != "User:root" {
					t.Fatalf("%s from %s: %+v, want %+v", principal, host, got, want)
				}
			}
		}
	})
}

// lookUp finds what holds for a principal and host: what is listed of others holds for whoever is not.
func lookUp(listed map[[2]string]authz.Decision, principal, host string) authz.Decision {
	if _, named := listed[[2]string{principal, "*"}]; !named {
		principal = explain.Everybody
	}
	if d, named := listed[[2]string{principal, host}]; named {
		return d
	}
	return listed[[2]string{principal, "*"}]
}
