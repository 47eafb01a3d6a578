package rego_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
)

// ask asks twice and says how many of the questions were evaluated.
func evaluations(a *rego.Authorizer, s *setup, questions ...authz.Subject) uint64 {
	before := s.engine.Stats().Evaluations
	for i := range questions {
		a.Pin().Decide(questions[i], authz.Read, topic("t"))
	}
	return s.engine.Stats().Evaluations - before
}

func with(change func(*authz.Subject, *auth.Session, *request)) authz.Subject {
	s := subject("alice")
	session, r := *s.Session, s.Request.(request)
	change(&s, &session, &r)
	s.Session, s.Request = &session, r
	return s
}

// TestCachedByWhatIsSeen: questions that a policy can not tell apart share a decision, and no others do.
func TestCachedByWhatIsSeen(t *testing.T) {
	another := map[string]authz.Subject{
		"host":           with(func(s *authz.Subject, _ *auth.Session, _ *request) { s.Host = "10.0.0.2" }),
		"correlation id": with(func(_ *authz.Subject, _ *auth.Session, r *request) { r.CorrelationID = 8 }),
		"client id":      with(func(_ *authz.Subject, _ *auth.Session, r *request) { r.ClientID = "app-2" }),
		"groups":         with(func(_ *authz.Subject, s *auth.Session, _ *request) { s.Groups = []string{"trading"} }),
		"certificate":    with(func(_ *authz.Subject, s *auth.Session, _ *request) { s.Certificate = &auth.Certificate{} }),
		"method":         with(func(_ *authz.Subject, s *auth.Session, _ *request) { s.Method = "PLAIN" }),
	}
	for source, seen := range map[string]string{
		`input.requestContext.principal.name == "alice"`:             "",
		`input.host == "10.0.0.1"`:                                   "host",
		`input.requestContext.clientAddress`:                         "host",
		`input.requestContext.header.data.clientId`:                  "client id",
		`input["requestContext"]["header"].name["clientId"]`:         "client id",
		`x := "clientId"; input.requestContext.header.name[x]`:       "client id, correlation id",
		`x := input.requestContext; x.principal.name`:                "client id, correlation id, host",
		`input.groups[_] == "trading"`:                               "groups",
		`count(input.groups) > 0`:                                    "groups",
		`not input.certificate.subject`:                              "certificate",
		`input.certificate`:                                          "certificate",
		`f(input.authentication)`:                                    "method",
		`x := input; x.host`:                                         "host, correlation id, client id, groups, certificate, method",
		`object.get(input, ["authentication", "method"], "") == "x"`: "host, correlation id, client id, groups, certificate, method",
		`some_key := ["host"][_]; input[some_key]`:                   "host, correlation id, client id, groups, certificate, method",
		`walk(input, [_, "PLAIN"])`:                                  "host, correlation id, client id, groups, certificate, method",
		`[y | y := input.host][_] == "10.0.0.1"`:                     "host",
		`not g`:                                                      "host",
		`true`:                                                       "",
		`method == "PLAIN"`:                                          "method",
		`data.other.rule`:                                            "client id",
		`input.authentication.method == "SCRAM-SHA-512" with input.host as ""`: "method, host",
	} {
		a, s := deciding(t, map[string]string{
			"p.rego": "package kafka.authz\nimport input.authentication.method\nallow { " + source + " }\n" +
				"f(x) { x.method == \"PLAIN\" }\n" + helpers(source),
			"q.rego": other(source),
		})
		evaluations(a, s, subject("alice"))
		if n := evaluations(a, s, subject("alice"), subject("alice")); n != 0 {
			t.Errorf("%s: the same question was evaluated %d times", source, n)
		}
		for name, who := range another {
			want := uint64(0)
			if strings.Contains(seen, name) || name == "method" && strings.Contains(source, "f(") {
				want = 1
			}
			if n := evaluations(a, s, who); n != want {
				t.Errorf("%s: another %s: %d evaluations, want %d", source, name, n, want)
			}
		}
	}
}

// helpers are rules that only some of the policies have, since every mention counts.
func helpers(source string) string {
	if strings.Contains(source, "not g") {
		return "g { input.host == \"10.0.0.2\" }"
	}
	return ""
}

func other(source string) string {
	if strings.Contains(source, "data.other") {
		return "package other\nrule { input.requestContext.header.data.clientId == \"app-2\" } else = false { true }"
	}
	return "package unused"
}

// TestCachedAsEvaluated: whatever is asked in whatever order, a decision from the cache is what an evaluation gives.
func TestCachedAsEvaluated(t *testing.T) {
	source := `package kafka.authz
allow { input.groups[_] == input.action.resourcePattern.name }
allow { concat("", [input.requestContext.principal.name, input.action.resourcePattern.name]) == "aab" }
allow { count(input.groups) == 2; input.time.minute == 60000000000 }`
	cached, _ := deciding(t, map[string]string{"p.rego": source})
	plain := newSetup(t, map[string]string{"p.rego": source + "\nunused { rand.intn(\"a\", 1) == 1 }"})
	plain.config.Allowed = []string{"rand.intn"}
	never := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: plain.start(t)})
	text := rapid.StringMatching(`[ab]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		name := text.Draw(t, "principal")
		who := subject("x" + name)
		who.Principal.Name = name
		who.Session.Groups = rapid.SliceOfN(text, 0, 3).Draw(t, "groups")
		on := topic(text.Draw(t, "topic"))
		got, want := cached.Pin().Decide(who, authz.Read, on), never.Pin().Decide(who, authz.Read, on)
		if got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

func TestTheTimeAsFarAsItIsSeen(t *testing.T) {
	for source, want := range map[string]struct {
		after time.Duration
		same  time.Duration
	}{
		`input.time.hour % 2 == 0`:   {time.Hour, 59 * time.Minute},
		`input.time.minute % 2 == 0`: {time.Minute, 59 * time.Second},
		`input.time % 2 == 0`:        {time.Second, 999 * time.Millisecond},
	} {
		source = strings.Replace(source, "input.time %", "input.time.second %", 1)
		a, s := deciding(t, map[string]string{"p.rego": "package kafka.authz\nallow { " + source + " }"})
		evaluations(a, s, subject("alice"))
		epoch := a.Epoch()
		s.clock = noon().Add(want.same)
		if n := evaluations(a, s, subject("alice")); n != 0 || a.Epoch() != epoch {
			t.Errorf("%s: within the time: %d evaluations, epoch %d after %d", source, n, a.Epoch(), epoch)
		}
		s.clock = noon().Add(want.after)
		if n := evaluations(a, s, subject("alice")); n != 1 || a.Epoch() <= epoch {
			t.Errorf("%s: after the time: %d evaluations, epoch %d after %d", source, n, a.Epoch(), epoch)
		}
	}
	a, s := deciding(t, map[string]string{"p.rego": "package kafka.authz\nallow { time.now_ns() == " + fmt.Sprint(noon().UnixNano()) + " }"})
	if !may(a) || evaluations(a, s, subject("alice"), subject("alice")) != 2 {
		t.Error("a decision by the time to the nanosecond was cached")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": "package kafka.authz\nallow { startswith(input.requestContext.principal.name, \"a\") }"})
	s.config.Limits.CacheEntries = 8
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	for round := range 2 {
		for i := range 100 {
			name := fmt.Sprintf("%c%d", "ab"[i%2], i)
			if d := a.Pin().Decide(subject(name), authz.Read, topic("t")); d.Allowed != (i%2 == 0) {
				t.Fatalf("round %d, %s: %+v", round, name, d)
			}
		}
	}
	if got := s.engine.Stats(); got.Evaluations < 184 { // no more than the 2 × 8 that have a place may come from the cache
		t.Errorf("%+v", got)
	}
}

// TestDecisionsHoldForTheNumberOfTopics: with each number that a policy sees it is asked anew, and what does not create shares one decision.
func TestDecisionsHoldForTheNumberOfTopics(t *testing.T) {
	a, s := deciding(t, map[string]string{"p.rego": "package kafka.authz\nimport rego.v1\ndefault over := false\nover if input.topics.created + input.topics.asked > 2\nallow if not over"})
	creating := func(created, asked int) bool {
		who := with(func(_ *authz.Subject, _ *auth.Session, r *request) { r.TopicsCreated, r.TopicsAsked = created, asked })
		return a.Pin().Decide(who, authz.Create, topic("t")).Allowed
	}
	for range 2 {
		if !creating(0, 2) || !creating(1, 1) || creating(2, 1) || creating(0, 3) || !creating(9, 0) || !creating(8, 0) {
			t.Error("decided by another number")
		}
	}
	if got := s.engine.Stats(); got.Evaluations != 5 || got.Cached != 7 {
		t.Errorf("%+v", got)
	}
}

// TestLongQuestionsAreCachedApart: those that differ at their end only, and those that are as long as the digest of a long one.
func TestLongQuestionsAreCachedApart(t *testing.T) {
	a, s := deciding(t, map[string]string{"p.rego": "package kafka.authz\nallow { endswith(input.action.resourcePattern.name, \"a\") }"})
	for range 2 {
		for length := range 400 {
			for _, last := range []string{"a", "b"} {
				name := strings.Repeat("x", length) + last
				if d := a.Pin().Decide(subject("alice"), authz.Read, topic(name)); d.Allowed != (last == "a") {
					t.Fatalf("%d bytes and %s: %+v", length, last, d)
				}
			}
		}
	}
	if got := s.engine.Stats(); got.Evaluations != 800 || got.Cached != 800 {
		t.Errorf("%+v", got)
	}
}

// TestADecisionFromTheCacheTakesNoAllocation, the view included.
func TestADecisionFromTheCacheTakesNoAllocation(t *testing.T) {
	a, _ := deciding(t, map[string]string{"p.rego": "package kafka.authz\nallow { input.requestContext.principal.name == \"alice\"; input.time.minute > 0 }"})
	who, on := subject("alice"), topic("t")
	if n := testing.AllocsPerRun(100, func() {
		if !a.Pin().Decide(who, authz.Read, on).Allowed {
			t.Fatal("denied")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAViewIsOfItsRules: it is the same for a second, and another one with other ACLs.
func TestAViewIsOfItsRules(t *testing.T) {
	acls := withACLs(binding(authz.Deny, "alice", "t"))
	s := newSetup(t, map[string]string{"p.rego": "package kafka.authz\nallow { true }"})
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: acls, Engine: s.start(t)})
	first := a.Pin()
	if a.Pin() != first || first.Decide(subject("alice"), authz.Read, topic("t")).Allowed {
		t.Error("another view of the same rules, or an ACL that does not deny")
	}
	acls.Apply(2, authz.BindingDelta{Removed: []authz.Binding{binding(authz.Deny, "alice", "t")}})
	if second := a.Pin(); second.Epoch() <= first.Epoch() || !second.Decide(subject("alice"), authz.Read, topic("t")).Allowed {
		t.Error("an ACL that is gone denies")
	}
	if first.Decide(subject("alice"), authz.Read, topic("t")).Allowed {
		t.Error("a view has changed")
	}
	last := a.Pin()
	s.clock = s.clock.Add(time.Second)
	if a.Pin() == last {
		t.Error("a view holds for longer than a second")
	}
}
