package handler

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/wire"
)

// explanation asks a question as the bench's user.
func (b *configsBench) explanation(t *testing.T, q explain.Question) *explain.Answer {
	t.Helper()
	text, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	entries, code := b.describe(t, questionConfig, text)
	if code != wire.None || len(entries) != 1 || entries[explain.ConfigName].Value == nil {
		t.Fatalf("%s: %s, %+v", text, wire.CodeName(code), entries)
	}
	answer, err := explain.DecodeAnswer(*entries[explain.ConfigName].Value)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestQuestionsAreAnswered(t *testing.T) {
	b := newConfigsBench(t)
	b.authorizer.Load(1, nil)
	q := explain.Question{Principal: "User:alice", Operation: "READ", ResourceType: "TOPIC", Name: "t1"}
	if a := b.explanation(t, q); a.Allowed() || a.Case.Reason != acl.ReasonDefault || a.Mode != "acl" {
		t.Errorf("without an ACL: %+v", a)
	}
	b.authorizer.Load(2, []authz.Binding{{
		Type: authz.Topic, Name: "t", Pattern: authz.Prefixed, Principal: "User:alice", Host: "*", Operation: authz.Read, Permission: authz.Allow,
	}})
	if a := b.explanation(t, q); !a.Allowed() || a.Case.ACL == nil || a.Case.ACL.PatternType != "PREFIXED" {
		t.Errorf("with an ACL: %+v", a)
	}
	for _, op := range []string{"CREATE", "WRITE", "DELETE", "ALTER", "ALTER_CONFIGS"} {
		q = explain.Question{Principal: "User:admin", Operation: op, ResourceType: "TOPIC", Name: "__audit_log"}
		if a := b.explanation(t, q); a.Allowed() || !a.Case.Allowed || a.Invariant == "" {
			t.Errorf("%s by a super user on an internal topic: %+v", op, a)
		}
	}
	q.Operation = "READ"
	if a := b.explanation(t, q); !a.Allowed() {
		t.Errorf("to read an internal topic: %+v", a)
	}
	q.Operation, q.Name = "ALTER_CONFIGS", "__consumer_offsets"
	if a := b.explanation(t, q); !a.Allowed() {
		t.Errorf("to configure an internal topic: %+v", a)
	}
}

// TestQuestionsAreRefused: to ask needs DESCRIBE on the cluster, and no more; one question comes at a time; a question is no configuration.
func TestQuestionsAreRefused(t *testing.T) {
	b := newConfigsBench(t)
	const question = `{"principal":"User:admin","operation":"READ","resourceType":"TOPIC","name":"t1"}`
	for _, text := range []string{"", "{}", `{"principal":"User:a"}`, question + question} {
		if entries, code := b.describe(t, questionConfig, text); code != wire.InvalidRequest || len(entries) != 0 {
			t.Errorf("%q: %s, %v", text, wire.CodeName(code), entries)
		}
	}
	two := &kmsg.DescribeConfigsRequest{Resources: []kmsg.DescribeConfigsRequestResource{
		{ResourceType: questionConfig, ResourceName: question}, {ResourceType: questionConfig, ResourceName: question + " "},
	}}
	for _, r := range b.ask(t, two).(*kmsg.DescribeConfigsResponse).Resources {
		if r.ErrorCode != wire.InvalidRequest || len(r.Configs) != 0 {
			t.Errorf("two questions: %s, %v", wire.CodeName(r.ErrorCode), r.Configs)
		}
	}
	change := alteration{kind: questionConfig, name: question, op: set, key: explain.ConfigName, value: "yes"}
	if r := b.alter(t, change, false); r.ErrorCode != wire.InvalidRequest {
		t.Errorf("to change an answer: %s", wire.CodeName(r.ErrorCode))
	}

	b.user = "auditor"
	grant := func(epoch uint64, op authz.Operation) {
		b.authorizer.Load(epoch, []authz.Binding{{
			Type: authz.Cluster, Name: authz.ClusterName, Pattern: authz.Literal, Principal: "User:auditor", Host: "*", Operation: op, Permission: authz.Allow,
		}})
	}
	grant(1, authz.DescribeConfigs)
	if entries, code := b.describe(t, questionConfig, question); code != wire.ClusterAuthorizationFailed || len(entries) != 0 {
		t.Errorf("without DESCRIBE: %s, %v", wire.CodeName(code), entries)
	}
	grant(2, authz.Describe)
	if _, code := b.describe(t, questionConfig, question); code != wire.None {
		t.Errorf("with DESCRIBE: %s", wire.CodeName(code))
	}
}
