package rego_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/rego"
)

// noon is a Monday's.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// request is a request as the pipeline brings it.
type request authz.RequestFacts

func (r request) RequestFacts() authz.RequestFacts { return authz.RequestFacts(r) }

func subject(name string) authz.Subject {
	return authz.Subject{
		Principal: auth.User(name), Host: "10.0.0.1", Listener: "CLIENTS",
		Session: &auth.Session{
			Principal: auth.User(name), Method: "SCRAM-SHA-512", Protocol: "SASL_SSL", Listener: "CLIENTS",
			Host: netip.MustParseAddr("10.0.0.1"), Groups: []string{"trading", "staff"},
		},
		Request: request{API: "Produce", Key: 0, Version: 9, CorrelationID: 7, ClientID: "app-1", Connection: 3},
	}
}

func topic(name string) authz.Resource { return authz.Resource{Type: authz.Topic, Name: name} }

type setup struct {
	files  fstest.MapFS
	config rego.Config
	clock  time.Time
	engine *rego.Engine
}

func newSetup(t testing.TB, files map[string]string) *setup {
	t.Helper()
	s := &setup{files: fstest.MapFS{}, clock: noon()}
	for name, content := range files {
		s.files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	s.config = rego.Config{
		Source: rego.Dir(s.files), Clock: func() time.Time { return s.clock }, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Limits: rego.Limits{Timeout: 10 * time.Second},
	}
	return s
}

func (s *setup) start(t testing.TB) *rego.Engine {
	t.Helper()
	e, err := rego.New(context.Background(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	return e
}

// deciding returns an authorizer by these files, without ACLs.
func deciding(t *testing.T, files map[string]string) (*rego.Authorizer, *setup) {
	t.Helper()
	s := newSetup(t, files)
	return rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)}), s
}

// withACLs are loaded ACLs, and the super user root.
func withACLs(bindings ...authz.Binding) *acl.Authorizer {
	a := acl.New(acl.Config{SuperUsers: []auth.Principal{auth.User("root")}})
	a.Load(1, bindings)
	return a
}

func binding(p authz.Permission, user, name string) authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: name, Pattern: authz.Literal, Principal: "User:" + user, Host: "*", Operation: authz.Read, Permission: p,
	}
}

// ownTopics is a policy in the way of the OPA plugin's users, in version 0 of the language.
const ownTopics = `package kafka.authz
default allow = false
allow {
	input.action.resourcePattern.resourceType == "TOPIC"
	startswith(input.action.resourcePattern.name, concat("", [input.requestContext.principal.name, "-"]))
	operations[_] == input.action.operation
}
operations = ["READ", "DESCRIBE"]
`

func TestVersionsOfTheLanguage(t *testing.T) {
	for name, source := range map[string]string{
		"0":                  ownTopics,
		"1 by import":        "package kafka.authz\nimport rego.v1\ndefault allow := false\nallow if startswith(input.action.resourcePattern.name, \"alice-\")",
		"1":                  "package kafka.authz\nallow if startswith(input.action.resourcePattern.name, \"alice-\")",
		"the first plugin's": "package kafka.authz\nallow { re_match(\"^alice-\", input.resource.name); input.operation.name == \"Read\"; input.session.sanitizedUser == \"alice\" }",
	} {
		a, _ := deciding(t, map[string]string{"p.rego": source})
		v := a.Pin()
		if d := v.Decide(subject("alice"), authz.Read, topic("alice-1")); !d.Allowed {
			t.Errorf("version %s: his own topic: %+v", name, d)
		}
		if d := v.Decide(subject("alice"), authz.Read, topic("bob-1")); d.Allowed || d.Reason != rego.ReasonDenied {
			t.Errorf("version %s: another's: %+v", name, d)
		}
	}
}

func TestOnlyTrueAllows(t *testing.T) {
	for _, value := range []string{`"true"`, "1", "[true]", `{"allow": true}`, "false", "null"} {
		a, _ := deciding(t, map[string]string{"p.rego": "package kafka.authz\nallow = " + value})
		if d := a.Pin().Decide(subject("alice"), authz.Read, topic("t")); d.Allowed {
			t.Errorf("%s allows", value)
		}
	}
}

func TestModes(t *testing.T) {
	files := map[string]string{"p.rego": "package kafka.authz\nallow { input.action.resourcePattern.name != \"secret\" }"}
	acls := withACLs(
		binding(authz.Allow, "alice", "open"), binding(authz.Allow, "alice", "secret"), binding(authz.Deny, "alice", "denied"),
	)
	s := newSetup(t, files)
	engine := s.start(t)
	type want struct{ policies, both, shadow bool }
	for name, w := range map[string]want{
		"open":    {true, true, true},
		"secret":  {false, false, true},
		"denied":  {false, false, false},
		"without": {true, false, false},
	} {
		for mode, allowed := range map[rego.Mode]bool{rego.Policies: w.policies, rego.Both: w.both, rego.Shadow: w.shadow, 0: false} {
			a := rego.NewAuthorizer(rego.Rules{Mode: mode, ACLs: acls, Engine: engine})
			if d := a.Pin().Decide(subject("alice"), authz.Read, topic(name)); d.Allowed != allowed {
				t.Errorf("mode %d, %s: %+v", mode, name, d)
			}
			if d := a.Pin().Decide(subject("root"), authz.Read, topic(name)); !d.Allowed || d.Reason != acl.ReasonSuperUser {
				t.Errorf("mode %d, %s: the super user: %+v", mode, name, d)
			}
		}
	}
}

func TestPoliciesAreNotAskedAboutNobody(t *testing.T) {
	a, s := deciding(t, map[string]string{"p.rego": "package kafka.authz\nallow = true"})
	if d := a.Pin().Decide(authz.Subject{Host: "10.0.0.1"}, authz.Read, topic("t")); d.Allowed {
		t.Errorf("nobody may: %+v", d)
	}
	if n := s.engine.Stats().Evaluations; n != 0 {
		t.Errorf("%d evaluations", n)
	}
}

func TestShadowTellsOfDifferences(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": ownTopics})
	var told []rego.Event
	a := rego.NewAuthorizer(rego.Rules{
		Mode: rego.Shadow, Engine: s.start(t), Differs: func(e rego.Event) { told = append(told, e) },
		ACLs: withACLs(binding(authz.Allow, "alice", "shared"), binding(authz.Deny, "alice", "alice-2")),
	})
	for range 2 {
		for _, name := range []string{"shared", "alice-1", "alice-2", "bob-1"} {
			a.Pin().Decide(subject("alice"), authz.Read, topic(name))
		}
	}
	if len(told) != 2 || told[0].Question.On.Name != "shared" || told[0].Policy.Allowed || told[1].Question.On.Name != "alice-1" || !told[1].Policy.Allowed {
		t.Errorf("told of %+v", told)
	}
	if allow, deny := a.Differences(); allow != 2 || deny != 2 {
		t.Errorf("%d would be allowed, %d denied, want 2 and 2", allow, deny)
	}
}

func TestAnyOfType(t *testing.T) {
	a, _ := deciding(t, map[string]string{"p.rego": `package kafka.authz
allow { input.action.resourcePattern == {"resourceType": "TOPIC", "name": "", "patternType": "PREFIXED", "unknown": false}; input.action.operation == "WRITE" }`})
	if d := a.Pin().DecideAny(subject("alice"), authz.Write, authz.Topic); !d.Allowed {
		t.Errorf("some topic: %+v", d)
	}
	if d := a.Pin().Decide(subject("alice"), authz.Write, topic("")); d.Allowed {
		t.Errorf("the topic without a name: %+v", d)
	}
}

func TestReasonsAreTold(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": `package kafka.authz
allow { input.action.operation == "READ" }
reason = "break-glass" { input.action.operation == "READ" }
reason = "only readers" { input.action.operation == "WRITE" }`})
	var noted []rego.Event
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t), Noted: func(e rego.Event) { noted = append(noted, e) }})
	if d := a.Pin().Decide(subject("alice"), authz.Write, topic("t")); d.Allowed || d.Reason != "denied by policy: only readers" {
		t.Errorf("denied: %+v", d)
	}
	for range 2 {
		if d := a.Pin().Decide(subject("alice"), authz.Read, topic("t")); !d.Allowed || d.Reason != "policy: break-glass" {
			t.Errorf("allowed: %+v", d)
		}
	}
	if len(noted) != 1 || noted[0].Policy.Reason != "policy: break-glass" {
		t.Errorf("noted %+v", noted)
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no module":              {"data.json": "{}"},
		"no decision":            {"p.rego": "package kafka.authz\nother = true"},
		"no rego":                {"p.rego": "package kafka.authz\nallow {"},
		"recursion":              {"p.rego": "package kafka.authz\nallow { b }\nb { allow }"},
		"http.send":              {"p.rego": `package kafka.authz` + "\n" + `allow { http.send({"method": "GET", "url": "http://127.0.0.1"}) }`},
		"net.lookup_ip_addr":     {"p.rego": "package kafka.authz\nallow { net.lookup_ip_addr(\"localhost\") }"},
		"opa.runtime":            {"p.rego": "package kafka.authz\nallow { opa.runtime() }"},
		"rand.intn":              {"p.rego": "package kafka.authz\nallow { rand.intn(\"a\", 2) == 1 }"},
		"trace":                  {"p.rego": "package kafka.authz\nallow { trace(\"a\") }"},
		"bits.lsh":               {"p.rego": "package kafka.authz\nallow { bits.lsh(1, 2) == 4 }"},
		"no JSON":                {"p.rego": "package kafka.authz\nallow = true", "data.json": "{"},
		"no object":              {"p.rego": "package kafka.authz\nallow = true", "data.json": "[]"},
		"two values":             {"p.rego": "package kafka.authz\nallow = true", "data.json": "{} {}"},
		"data at the rule's":     {"p.rego": "package kafka.authz\nallow = true", "data.json": `{"kafka": {"authz": {"allow": true}}}`},
		"data at each other's":   {"p.rego": "package kafka.authz\nallow = true", "data.json": `{"a": 1}`, "a/data.json": "{}"},
		"only a test has a rule": {"p_test.rego": "package kafka.authz\nallow = true"},
		"large":                  {"p.rego": "package kafka.authz\nallow = true\n#" + string(make([]byte, rego.MaxPolicyBytes))},
		"large data":             {"p.rego": "package kafka.authz\nallow = true", "data.json": `{"a": "` + string(make([]byte, rego.MaxDataBytes)) + `"}`},
	} {
		s := newSetup(t, files)
		if _, err := rego.New(context.Background(), s.config); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestAllowedFunctions(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": "package kafka.authz\nallow { rand.intn(\"a\", 1) == 0 }"})
	s.config.Allowed = []string{"rand.intn"}
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	for range 3 {
		if d := a.Pin().Decide(subject("alice"), authz.Read, topic("t")); !d.Allowed {
			t.Fatalf("%+v", d)
		}
	}
	if got := s.engine.Stats(); got.Cached != 0 || got.Evaluations != 3 {
		t.Errorf("what is not the same at each call was cached: %+v", got)
	}
	s.config.Allowed = []string{"no.such"}
	if _, err := rego.New(context.Background(), s.config); err == nil {
		t.Error("a function that there is not may be allowed")
	}
}

func TestDataByPath(t *testing.T) {
	a, _ := deciding(t, map[string]string{
		"p.rego":                 "package kafka.authz\nallow { data.owners[input.action.resourcePattern.name] == input.requestContext.principal.name; data.kafka.more.n == 1 }",
		"data.json":              `{"owners": {"a": "alice"}}`,
		"kafka/more/data.json":   `{"n": 1}`,
		"owners/data.json":       `{"b": "bob"}`,
		".hidden/data.json":      "not looked at",
		"..2026_11_23/p.rego":    "not looked at",
		"kafka/more/README.text": "not looked at",
	})
	for name, want := range map[string]bool{"a": true, "b": false} {
		if d := a.Pin().Decide(subject("alice"), authz.Read, topic(name)); d.Allowed != want {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d := a.Pin().Decide(subject("bob"), authz.Read, topic("b")); !d.Allowed {
		t.Errorf("bob's: %+v", d)
	}
}
