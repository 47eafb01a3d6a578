package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

var (
	digestInForce = strings.Repeat("a", 64)
	digestWanted  = strings.Repeat("b", 64)
)

// newPolicyBench is the area where policies are required, and their changes take two persons.
func newPolicyBench(t *testing.T) *configsBench {
	t.Helper()
	b := newConfigsBench(t)
	b.Approvals = Approvals{Operations: []string{meta.ApprovePolicyChanges}, Expiration: time.Hour, SuperUsers: []string{"User:admin", "User:alice"}}
	if _, err := b.log.Propose(t.Context(), &meta.RecordPolicies{Digest: digestInForce}); err != nil {
		t.Fatal(err)
	}
	return b
}

// replace sends the older AlterConfigs for the default of all brokers, or for one.
func (b *configsBench) replace(t *testing.T, broker string, configs map[string]string, validateOnly bool) *kmsg.AlterConfigsResponseResource {
	t.Helper()
	q := kmsg.NewPtrAlterConfigsRequest()
	q.ValidateOnly = validateOnly
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = ofBroker, broker
	for name, value := range configs {
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = name, &value
		r.Configs = append(r.Configs, c)
	}
	q.Resources = append(q.Resources, r)
	return &b.ask(t, q).(*kmsg.AlterConfigsResponse).Resources[0]
}

// TestThereIsNoWayRoundTheDigest for one administrator: each request that could touch it is tried, and it stays what it is.
func TestThereIsNoWayRoundTheDigest(t *testing.T) {
	b := newPolicyBench(t)
	for _, try := range []struct {
		broker, value string
		op            kmsg.IncrementalAlterConfigOp
		validateOnly  bool
		want          int16
	}{
		{"", digestWanted, set, false, wire.PolicyViolation},
		{"", "", remove, false, wire.PolicyViolation},
		{"", "", set, false, wire.InvalidRequest},
		{"", digestWanted, appendTo, false, wire.InvalidConfig},
		{"", digestInForce, subtract, false, wire.InvalidConfig},
		{"", strings.ToUpper(digestWanted), set, false, wire.InvalidRequest},
		{"", digestWanted, set, true, wire.None},
		{"", "", remove, true, wire.None},
		{"1", digestWanted, set, false, wire.InvalidRequest},
		{"1", digestWanted, set, true, wire.InvalidRequest},
		{"1", "", remove, false, wire.InvalidRequest},
		{"01", digestWanted, set, false, wire.InvalidRequest},
	} {
		if code := b.try(t, try.broker, try.op, try.value, try.validateOnly); code != try.want || b.log.Image().PoliciesDigest() != digestInForce {
			t.Fatalf("%+v: %s, the digest is %q", try, wire.CodeName(code), b.log.Image().PoliciesDigest())
		}
	}
	for _, try := range []struct {
		broker       string
		whole        map[string]string
		validateOnly bool
		want         int16
	}{
		{"", map[string]string{meta.PoliciesDigest: digestWanted}, false, wire.PolicyViolation},
		{"", map[string]string{meta.PoliciesDigest: digestInForce, "log.roll.ms": "1"}, false, wire.None},
		{"", map[string]string{"log.roll.ms": "1"}, false, wire.PolicyViolation},
		{"", map[string]string{"log.roll.ms": "1"}, true, wire.None},
		{"", nil, false, wire.PolicyViolation},
		{"1", nil, false, wire.None},
		{"1", map[string]string{meta.PoliciesDigest: digestWanted}, false, wire.InvalidRequest},
		{"", map[string]string{"chronik.policies.Digest": digestWanted}, false, wire.InvalidRequest},
		{"", map[string]string{"chronik.policies.dir": "/tmp"}, false, wire.InvalidRequest},
		{"", map[string]string{"chronik.authorizer.mode": "acl"}, false, wire.InvalidRequest},
		{"", map[string]string{"chronik.approval.required": ""}, false, wire.InvalidRequest},
	} {
		if r := b.replace(t, try.broker, try.whole, try.validateOnly); r.ErrorCode != try.want || b.log.Image().PoliciesDigest() != digestInForce {
			t.Fatalf("%+v: %s, the digest is %q", try, wire.CodeName(r.ErrorCode), b.log.Image().PoliciesDigest())
		}
	}
}

// try changes the digest by IncrementalAlterConfigs.
func (b *configsBench) try(t *testing.T, broker string, op kmsg.IncrementalAlterConfigOp, value string, validateOnly bool) int16 {
	t.Helper()
	return b.alter(t, alteration{kind: ofBroker, name: broker, op: op, key: meta.PoliciesDigest, value: value}, validateOnly).ErrorCode
}

// TestAnApprovedDigestIsTheSameByEitherRequest: asked by the newer one, approved, and set by the older one; then it is described.
func TestAnApprovedDigestIsTheSameByEitherRequest(t *testing.T) {
	b := newPolicyBench(t)
	if code := b.try(t, "", set, digestWanted, false); code != wire.PolicyViolation {
		t.Fatal(wire.CodeName(code))
	}
	id := theApproval(t, b.log).ID
	if r := b.decide(t, "admin", id, toApprove); r.ErrorCode != wire.PolicyViolation {
		t.Errorf("one's own: %+v", r)
	}
	b.rule("bob")
	if r := b.decide(t, "bob", id, toApprove); r.ErrorCode != wire.None {
		t.Fatalf("%+v", r)
	}
	b.user = "admin"
	if r := b.replace(t, "", map[string]string{meta.PoliciesDigest: digestWanted}, false); r.ErrorCode != wire.None {
		t.Fatalf("%+v", r)
	}
	entries, code := b.describe(t, ofBroker, "")
	if want := meta.PoliciesDigest + "=" + digestWanted; code != wire.None || !strings.HasPrefix(entries.shown(meta.PoliciesDigest), want) {
		t.Errorf("%s, %s", entries.shown(meta.PoliciesDigest), wire.CodeName(code))
	}
}
