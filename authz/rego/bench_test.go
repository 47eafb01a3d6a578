package rego_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
)

// grants are a policy of a thousand users with eleven topics each, as data.
func grants(more string) map[string]string {
	var users []string
	for u := range 1000 {
		var topics []string
		for n := range 11 {
			topics = append(topics, fmt.Sprintf("%q: [\"READ\", \"DESCRIBE\"]", fmt.Sprintf("u%d-topic-%d", u, n)))
		}
		users = append(users, fmt.Sprintf("%q: {%s}", fmt.Sprintf("u%d", u), strings.Join(topics, ", ")))
	}
	return map[string]string{
		"data.json": `{"grants": {` + strings.Join(users, ", ") + `}}`,
		"p.rego": `package kafka.authz
import rego.v1
default allow := false
allow if {
	input.action.resourcePattern.resourceType == "TOPIC"
	input.action.operation in data.grants[input.requestContext.principal.name][input.action.resourcePattern.name]
}
` + more,
	}
}

func benchmark(b *testing.B, files map[string]string, allowed ...string) {
	s := newSetup(b, files)
	s.config.Allowed = allowed
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(b)})
	who, on := subject("u500"), topic("u500-topic-5")
	v := a.Pin()
	b.ReportAllocs()
	for b.Loop() {
		if !v.Decide(who, authz.Read, on).Allowed {
			b.Fatal("denied")
		}
	}
}

// BenchmarkCached is a decision that is in the cache.
func BenchmarkCached(b *testing.B) { benchmark(b, grants("")) }

// BenchmarkEvaluated is a decision that is evaluated each time.
func BenchmarkEvaluated(b *testing.B) {
	benchmark(b, grants("unused if rand.intn(\"a\", 1) == 1"), "rand.intn")
}

// BenchmarkACLsAlone is the same question to ACLs without policies.
func BenchmarkACLsAlone(b *testing.B) {
	v := withACLs(binding(authz.Allow, "u500", "u500-topic-5")).Pin()
	who, on := subject("u500"), topic("u500-topic-5")
	b.ReportAllocs()
	for b.Loop() {
		if !v.Decide(who, authz.Read, on).Allowed {
			b.Fatal("denied")
		}
	}
}
