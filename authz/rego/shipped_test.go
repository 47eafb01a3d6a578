package rego_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/policies"
)

func TestShippedPolicies(t *testing.T) {
	names, err := policies.Names()
	if err != nil || len(names) < 4 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		results, err := rego.TestShipped(context.Background(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(results) < 4 {
			t.Errorf("%s has %d tests", name, len(results))
		}
		for _, r := range results {
			if !r.Passed {
				t.Errorf("%s: %v", r.Name, r.Err)
			}
		}
	}
}

// TestShippedPoliciesInUse: an operator's policy of a few lines puts them into force.
func TestShippedPoliciesInUse(t *testing.T) {
	a, s := inUse(t)
	for name, c := range map[string]struct {
		topic, client string
		want          bool
	}{
		"a usual topic":               {"prices", "app", true},
		"personal data":               {"customers", "app", false},
		"personal data, an emergency": {"customers", "break-glass:INC-1:the topic is stuck", true},
	} {
		who := with(func(_ *authz.Subject, _ *auth.Session, r *request) { r.ClientID = c.client })
		if d := a.Pin().Decide(who, authz.Read, topic(c.topic)); d.Allowed != c.want {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if s.engine.Stats().Undecided != 0 {
		t.Error("undecided")
	}
}

func inUse(t *testing.T) (*rego.Authorizer, *setup) {
	t.Helper()
	return deciding(t, map[string]string{
		"p.rego": `package kafka.authz
import rego.v1
import data.chronik.breakglass
import data.chronik.pii
allow if count(pii.deny) == 0
allow if breakglass.allow
reason := breakglass.reason`,
		"data.json": `{"topics": [{"prefix": "customers", "labels": {"pii": true}}], "breakglass": {"principals": ["alice"]}}`,
	})
}

func TestTestsAreRun(t *testing.T) {
	results, err := rego.Test(context.Background(), rego.Dir(fstest.MapFS{
		"p.rego": {Data: []byte(ownTopics)},
		"p_test.rego": {Data: []byte(`package kafka.authz
test_right { allow with input as {"requestContext": {"principal": {"name": "a"}}, "action": {"operation": "READ", "resourcePattern": {"resourceType": "TOPIC", "name": "a-1"}}} }
test_wrong { allow with input as {} }
test_failing { to_number("x") == 1 }`)},
	}), nil)
	if err != nil || len(results) != 3 {
		t.Fatalf("%+v, %v", results, err)
	}
	if results[0].Passed || results[0].Err == nil || !results[1].Passed || results[2].Passed {
		t.Errorf("%+v", results)
	}
}

func TestTry(t *testing.T) {
	source := rego.Dir(fstest.MapFS{"p.rego": {Data: []byte("package kafka.authz\nallow { input.host == \"10.0.0.1\" }\nreason = \"home\" { allow }")}})
	var trace strings.Builder
	o, err := rego.Try(context.Background(), source, nil, `{"host": "10.0.0.1"}`, &trace)
	if err != nil || !o.Allowed || o.Reason != "home" || !strings.Contains(trace.String(), "input.host") {
		t.Errorf("%+v, %v, %s", o, err, trace.String())
	}
	if o, err := rego.Try(context.Background(), source, nil, `{"host": "10.0.0.2"}`, nil); err != nil || o.Allowed || o.Reason != "" {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := rego.Try(context.Background(), source, nil, `{`, nil); err == nil {
		t.Error("no JSON is taken")
	}
}
