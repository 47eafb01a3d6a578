package meta_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	digestA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// policyRule has changes of policies and cuts of retention wait.
func policyRule(parties ...string) *meta.ApprovalRule {
	return &meta.ApprovalRule{
		Operations: []string{meta.ApprovePolicyChanges, meta.ApproveRetentionCuts}, Parties: parties, Lasts: time.Minute.Milliseconds(),
		Most: 4, MostOf: 3, MostBytes: 600,
	}
}

// record makes a digest the required one, as a broker does at its start.
func (c *cluster) record(digest string) meta.ItemResult {
	c.t.Helper()
	_, result := c.apply(&meta.RecordPolicies{Origin: asks("(broker)", 0), Digest: digest})
	return result.Items[0]
}

// changes lets somebody change the configuration of all brokers.
func (c *cluster) changes(who string, second int, change meta.ResourceChange) meta.ItemResult {
	c.t.Helper()
	_, result := c.apply(&meta.AlterConfigs{Origin: asks(who, second), Approval: policyRule("User:" + who), Resources: []meta.ResourceChange{change}})
	return result.Items[0]
}

// ofAll is a change of the configuration of all brokers.
func ofAll(ops ...meta.ConfigOp) meta.ResourceChange {
	return meta.ResourceChange{Key: meta.ResourceKey{Type: meta.BrokerConfig}, Ops: ops}
}

func require(digest string) meta.ConfigOp {
	return meta.ConfigOp{Op: meta.SetConfig, Name: meta.PoliciesDigest, Value: digest}
}

// TestTheFirstPoliciesAreRecorded where none are required; who comes later with others is refused, and both show.
func TestTheFirstPoliciesAreRecorded(t *testing.T) {
	c := newCluster(t, 1)
	c.mustApply(&meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{ofAll(meta.ConfigOp{Op: meta.SetConfig, Name: "log.retention.ms", Value: "1"})}})
	before := len(c.audit())
	if r := c.record(digestA); r.Code != wire.None || c.img.PoliciesDigest() != digestA {
		t.Fatalf("%+v", r)
	}
	if all := c.img.Config(meta.ResourceKey{Type: meta.BrokerConfig}); len(all) != 2 || all["log.retention.ms"] != "1" {
		t.Errorf("what was set before is lost: %v", all)
	}
	if r := c.record(digestA); r.Code != wire.None {
		t.Errorf("the same again: %+v", r)
	}
	if r := c.record(digestB); r.Code != wire.PolicyViolation || !strings.Contains(r.Message, digestA) || c.img.PoliciesDigest() != digestA {
		t.Errorf("others: %+v", r)
	}
	told := c.audit()[before:]
	if len(told) != 2 || told[0].After[meta.PoliciesDigest] != digestA || told[0].Outcome != wire.None || told[1].Outcome != wire.PolicyViolation {
		t.Errorf("%+v", told)
	}
	restored, err := meta.ReadSnapshot(bytes.NewReader(snapshotOf(t, c.img)))
	if err != nil || restored.PoliciesDigest() != digestA {
		t.Errorf("after a snapshot %q, %v", restored.PoliciesDigest(), err)
	}
}

// TestChangesOfPoliciesTakeTwoPersons: each way to set, replace or remove the digest waits, and the approval is for this one change.
func TestChangesOfPoliciesTakeTwoPersons(t *testing.T) {
	other := meta.ConfigOp{Op: meta.SetConfig, Name: "log.roll.ms", Value: "1000"}
	whole := ofAll(other)
	whole.Replace = true
	nothing := ofAll()
	nothing.Replace = true
	replaced := ofAll(other, require(digestB))
	replaced.Replace = true
	for what, step := range map[string]struct {
		change meta.ResourceChange
		after  string
	}{
		"set":                         {ofAll(require(digestB)), digestB},
		"set beside another":          {ofAll(other, require(digestB)), digestB},
		"deleted":                     {ofAll(meta.ConfigOp{Op: meta.DeleteConfig, Name: meta.PoliciesDigest}), ""},
		"left out of a whole set":     {whole, ""},
		"left out of an empty set":    {nothing, ""},
		"set by a whole set":          {replaced, digestB},
		"emptied":                     {ofAll(require("")), ""},
		"set twice, the last the old": {ofAll(require(digestA), require(digestB)), digestB},
	} {
		c := newCluster(t, 1)
		c.record(digestA)
		if r := c.changes("alice", 1, step.change); r.Code != wire.PolicyViolation || c.img.PoliciesDigest() != digestA {
			t.Errorf("%s: %+v", what, r)
			continue
		}
		a := c.theApproval()
		if a.Subject.Operation != meta.ApprovePolicyChanges || a.Subject.Before[meta.PoliciesDigest] != digestA || a.Subject.After[meta.PoliciesDigest] != step.after {
			t.Errorf("%s: asked for is %+v", what, a.Subject)
		}
		if code := c.decides("alice", 2, a.ID, true); code != wire.PolicyViolation {
			t.Errorf("%s: her own approval: %s", what, wire.CodeName(code))
		}
		c.decides("bob", 3, a.ID, true)
		if r := c.changes("carol", 4, step.change); r.Code != wire.PolicyViolation {
			t.Errorf("%s: another one uses it: %+v", what, r)
		}
		if r := c.changes("alice", 5, ofAll(require(strings.Repeat("c", 64)))); r.Code != wire.PolicyViolation || c.img.PoliciesDigest() != digestA {
			t.Errorf("%s: it is used for another digest: %+v", what, r)
		}
		if r := c.changes("alice", 6, step.change); r.Code != wire.None || c.img.PoliciesDigest() != step.after {
			t.Errorf("%s: approved: %+v", what, r)
		}
		told := c.audit()
		if last := told[len(told)-1]; last.Before[meta.PoliciesDigest] != digestA || last.After[meta.PoliciesDigest] != step.after {
			t.Errorf("%s: recorded is %+v", what, last)
		}
	}
}

// TestWhatLeavesThePoliciesAloneWaitsForNobody, and neither does their change where the rule does not have it.
func TestWhatLeavesThePoliciesAloneWaitsForNobody(t *testing.T) {
	c := newCluster(t, 1)
	c.record(digestA)
	same := ofAll(require(digestA), meta.ConfigOp{Op: meta.SetConfig, Name: "log.roll.ms", Value: "1000"})
	same.Replace = true
	for _, change := range []meta.ResourceChange{ofAll(require(digestA)), same, ofAll(meta.ConfigOp{Op: meta.DeleteConfig, Name: "log.roll.ms"})} {
		if r := c.changes("alice", 1, change); r.Code != wire.None {
			t.Errorf("%+v: %+v", change, r)
		}
	}
	c.mustApply(&meta.AlterConfigs{Origin: asks("alice", 2), Approval: twoPersons("User:alice"), Resources: []meta.ResourceChange{ofAll(require(digestB))}})
	if c.img.PoliciesDigest() != digestB {
		t.Error("not changed")
	}
}

// TestTheFirstDigestTakesTwoPersonsToo, where it is set by a request: before the broker has recorded one.
func TestTheFirstDigestTakesTwoPersonsToo(t *testing.T) {
	c := newCluster(t, 1)
	if r := c.changes("alice", 1, ofAll(require(digestA))); r.Code != wire.PolicyViolation || c.img.PoliciesDigest() != "" {
		t.Errorf("%+v", r)
	}
	if s := c.theApproval().Subject; !maps.Equal(s.Before, map[string]string{}) || s.After[meta.PoliciesDigest] != digestA {
		t.Errorf("%+v", s)
	}
}

// TestTheDigestIsOfNoSingleBroker: neither set nor removed, with an approval or without.
func TestTheDigestIsOfNoSingleBroker(t *testing.T) {
	c := newCluster(t, 1)
	c.record(digestA)
	for _, name := range []string{"1", "01", " ", "2"} {
		for _, op := range []meta.ConfigOp{require(digestB), {Op: meta.DeleteConfig, Name: meta.PoliciesDigest}, {Op: meta.AppendConfig, Name: meta.PoliciesDigest, Value: "b"}} {
			change := ofAll(op)
			change.Key.Name = name
			if r := c.changes("alice", 1, change); r.Code != wire.InvalidRequest || !strings.Contains(r.Message, "--entity-default") {
				t.Errorf("broker %q, operation %d: %+v", name, op.Op, r)
			}
			if c.img.PoliciesDigest() != digestA || c.img.Config(change.Key) != nil {
				t.Errorf("broker %q, operation %d: it is changed", name, op.Op)
			}
		}
	}
}

// TestOneChangeMayTakeTwoApprovals: of policies and of retention, and neither is used up before both are there.
func TestOneChangeMayTakeTwoApprovals(t *testing.T) {
	c := newCluster(t, 1)
	c.record(digestA)
	ask := func(second int) meta.ItemResult {
		change := ofAll(require(digestB), meta.ConfigOp{Op: meta.SetConfig, Name: "log.retention.ms", Value: "1000"})
		change.Watched = &meta.Watched{
			Sight: c.img.ConfigSight(change.Key, "1"), Node: "1",
			Before: map[string]string{"retention.ms": "604800000"}, After: map[string]string{"retention.ms": "1000"},
		}
		return c.changes("alice", second, change)
	}
	if r := ask(1); r.Code != wire.PolicyViolation {
		t.Fatalf("%+v", r)
	}
	ids := map[string]string{}
	c.img.Approvals(func(a *meta.Approval) bool { ids[a.Subject.Operation] = a.ID; return true })
	if len(ids) != 2 {
		t.Fatalf("asked for is %v", ids)
	}
	for i, operation := range []string{meta.ApprovePolicyChanges, meta.ApproveRetentionCuts} {
		if r := ask(2 + i); r.Code != wire.PolicyViolation || c.img.PoliciesDigest() != digestA {
			t.Errorf("with %d approvals: %+v", i, r)
		}
		c.decides("bob", 2+i, ids[operation], true)
	}
	if r := ask(5); r.Code != wire.None || c.img.PoliciesDigest() != digestB {
		t.Errorf("%+v", r)
	}
	used := slices.DeleteFunc(c.actions(), func(a string) bool { return a != "UseApproval NONE" })
	if len(used) != 2 {
		t.Errorf("%d approvals are used up", len(used))
	}
}

// TestAnApprovalIsForTheDigestThatWasReplaced: where it was changed in between, what was approved is another change.
func TestAnApprovalIsForTheDigestThatWasReplaced(t *testing.T) {
	c := newCluster(t, 1)
	c.record(digestA)
	c.changes("alice", 1, ofAll(require(digestB)))
	id := c.theApproval().ID
	c.decides("bob", 2, id, true)
	c.mustApply(&meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{ofAll(require(strings.Repeat("c", 64)))}})
	if r := c.changes("alice", 3, ofAll(require(digestB))); r.Code != wire.PolicyViolation || strings.Contains(r.Message, id) {
		t.Errorf("%+v", r)
	}
}
