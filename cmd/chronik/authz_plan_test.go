package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/plan"
)

// TestEffectsInWords: every kind of host, pattern and principal.
func TestEffectsInWords(t *testing.T) {
	ops := []authz.Operation{authz.Read, authz.Describe}
	on := func(kind authz.PatternType, name string) plan.Pattern {
		return plan.Pattern{Type: authz.Topic, Kind: kind, Name: name}
	}
	var out bytes.Buffer
	p := &printer{out: &out}
	p.effects("Gains:", []plan.Effect{
		{Gains: true, Principal: "User:a", AnyHost: true, Operations: ops, On: on(authz.Literal, "t")},
		{Gains: true, Principal: "User:*", AnyHost: true, Hosts: []string{"10.0.0.2", "10.0.0.1"}, Operations: ops[:1], On: on(authz.Literal, "*")},
		{Gains: true, Principal: "User:b\x1b", Hosts: []string{"10.0.0.1"}, Operations: ops[:1], On: on(authz.Prefixed, "t-")},
		{Gains: true, Principal: "User:*", AnyHost: true, Operations: []authz.Operation{authz.Write}, On: on(authz.AnyPattern, "")},
		{Principal: "User:c", AnyHost: true, Operations: ops, On: plan.Pattern{Type: authz.Cluster, Kind: authz.Literal, Name: authz.ClusterName}},
	}, true)
	p.effects("Loses:", nil, false)
	const want = `Gains:
  User:a: READ, DESCRIBE on TOPIC t, from any host
  every principal that no ACL on it names: READ on each TOPIC that no narrower ACL names, from any host but 10.0.0.1, 10.0.0.2
  "User:b\x1b": READ on each TOPIC that begins with t- and that no narrower ACL names, from 10.0.0.1
  every principal that no ACL on a TOPIC names: WRITE on some TOPIC, as idempotent producers need, from any host
Loses:
  nobody anything
`
	if diff := cmp.Diff(want, out.String()); diff != "" || p.err != nil {
		t.Error(p.err, diff)
	}
}
