package handler

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// approvalConfig is the type of the resource that is a request which takes two persons, by its id. Apache Kafka has none of this number.
// What is known of the request are its configurations, and to set decisionKey is to decide it.
const approvalConfig = kmsg.ConfigResourceType(102)

const (
	decisionKey   = "chronik.approval.decision"
	toApprove     = "approve"
	toReject      = "reject"
	noAnonymity   = "Nobody is known to have sent this: approvals take a log-in."
	noSuchRight   = "To decide a request takes the right to do what it asks for."
	noSuchRequest = "There is no such request, or its time is over."
)

// rightOf is what those who decide a request have to be allowed beside ALTER on the cluster: what it asks for.
func rightOf(a *meta.Approval) authz.Need {
	r := a.Subject.Right
	return need(r.Operation, r.Type, r.Name)
}

// decide approves or rejects a request that takes two persons.
func (s *Configs) decide(ctx context.Context, c *api.Call, img *meta.Image, change *configChange, validateOnly bool) error {
	approve, err := decisionIn(change)
	if err == nil {
		err = permitted(c.Granted, authz.Alter, change.key)
	}
	if err != nil {
		return err
	}
	if c.Session == nil || c.Session.Principal == auth.Anonymous() {
		return wire.Errorf(wire.PolicyViolation, noAnonymity)
	}
	a := img.Approval(change.key.name)
	if a == nil {
		return wire.Errorf(wire.ResourceNotFound, noSuchRequest)
	}
	if n := rightOf(a); !c.Granted.Has(n.Op, n.On.Type, n.On.Name) {
		return wire.Errorf(wire.PolicyViolation, noSuchRight)
	}
	command := &meta.DecideApproval{
		Origin: originOf(c), ID: change.key.name, Approve: approve, Parties: partiesOf(c, img), Lasts: s.Approvals.Expiration.Milliseconds(),
	}
	commit(ctx, s.Metadata, img, command, 1, validateOnly, func(_ int, failed error) { err = failed })
	return err
}

// decisionIn is what a change of such a resource decides.
func decisionIn(change *configChange) (approve bool, err error) {
	if err := change.wellFormed(); err != nil {
		return false, err
	}
	if len(change.ops) != 1 || change.ops[0].name != decisionKey || change.ops[0].op != meta.SetConfig {
		return false, wire.Errorf(wire.InvalidConfig, "A request is decided by setting %s, and nothing else.", decisionKey)
	}
	switch valueOf(change.ops[0]) {
	case toApprove:
		return true, nil
	case toReject:
		return false, nil
	default:
		return false, wire.Errorf(wire.InvalidConfig, "%s has to be %s or %s.", decisionKey, toApprove, toReject)
	}
}

// approval shows a request that takes two persons.
func (d *description) approval(id string) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	a := d.img.Approval(id)
	if a == nil || a.Expired(d.now) {
		return nil, wire.Errorf(wire.ResourceNotFound, noSuchRequest)
	}
	fields := a.Fields()
	var out []kmsg.DescribeConfigsResponseResourceConfig
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !d.wanted(name) {
			continue
		}
		e := kmsg.NewDescribeConfigsResponseResourceConfig()
		e.Name, e.Value, e.ReadOnly, e.ConfigType = name, kmsg.StringPtr(fields[name]), true, kmsg.ConfigTypeString
		out = append(out, e)
	}
	return out, nil
}
