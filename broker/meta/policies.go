package meta

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// PoliciesDigest is the key of the digest of the policies that alone may be in force. It is a configuration of all brokers, and of no single one.
const PoliciesDigest = "chronik.policies.digest"

// allBrokers is the cluster-wide default of brokers.
func allBrokers() ResourceKey { return ResourceKey{Type: BrokerConfig} }

// PoliciesDigest is the digest of the policies that alone may be in force, in hexadecimal; "" where any may.
func (img *Image) PoliciesDigest() string { return img.Config(allBrokers())[PoliciesDigest] }

// RecordPolicies makes the policies that a broker starts with those that are required, where none are.
type RecordPolicies struct {
	Origin Origin `json:"origin"`
	// Digest is in hexadecimal.
	Digest string `json:"digest"`
}

func (*RecordPolicies) kind() string { return "RecordPolicies" }

func (c *RecordPolicies) apply(d *draft) {
	key := allBrokers()
	switch have := d.img.PoliciesDigest(); {
	case have == c.Digest:
		d.item(key.Name, wire.None, "")
		return
	case have != "":
		d.item(key.Name, wire.PolicyViolation, "The policies that are required have sha256 %s.", have)
		d.audit(c.Origin, key.Type.String(), key.Name, wire.PolicyViolation, nil, nil)
		return
	}
	after := map[string]string{PoliciesDigest: c.Digest}
	d.item(key.Name, wire.None, "")
	d.audit(c.Origin, key.Type.String(), key.Name, wire.None, nil, after)
	d.putConfig(key, ResourceChange{Ops: []ConfigOp{{Op: SetConfig, Name: PoliciesDigest, Value: c.Digest}}}.On(d.img.Config(key)))
}

// policyChange is a change of the policies that may be in force; else nil.
func (r *ApprovalRule) policyChange(key ResourceKey, old, next map[string]string) *Subject {
	before, was := old[PoliciesDigest]
	after, is := next[PoliciesDigest]
	if key != allBrokers() || !r.covers(ApprovePolicyChanges) || was == is && before == after {
		return nil
	}
	s := &Subject{
		Operation: ApprovePolicyChanges, Action: "RequirePolicies", ResourceType: key.Type.String(), Resource: key.Name,
		Right: Right{authz.AlterConfigs, authz.Cluster, authz.ClusterName}, Before: map[string]string{}, After: map[string]string{},
	}
	if was {
		s.Before[PoliciesDigest] = before
	}
	if is {
		s.After[PoliciesDigest] = after
	}
	return s
}
