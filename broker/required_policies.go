package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/doctor"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// recordedPolicies is what the audit log calls it when the first policies become those that are required.
const recordedPolicies = "RecordPolicies"

// errPoliciesMissing says that there are no policies where some are required.
var errPoliciesMissing = errors.New("policies are required, and chronik.authorizer.mode=acl has none")

// requiredPolicies is the digest of the policies that alone may come into force, "" where any may. It is known from the start on: the metadata
// log has been replayed by the time that there are policies.
func (b *Broker) requiredPolicies() string { return b.store.Image().PoliciesDigest() }

// pinPolicies makes the policies that this broker starts with those that are required, where their changes take two persons and none are
// required yet.
func (b *Broker) pinPolicies(ctx context.Context, digest string) error {
	if !b.options.Approvals.Requires(meta.ApprovePolicyChanges) || b.requiredPolicies() != "" {
		return nil
	}
	result, err := b.metadata.Propose(ctx, &meta.RecordPolicies{
		Origin: meta.Origin{EventID: rand.Text(), Principal: "User:(broker)", API: recordedPolicies, Time: b.options.Clock()}, Digest: digest,
	})
	if err != nil {
		return fmt.Errorf("record sha256 %s as required: %w", digest, err)
	}
	if r := result.Items[0]; r.Code != wire.None {
		return fmt.Errorf("record sha256 %s as required: %w", digest, wire.Errorf(r.Code, "%s", r.Message))
	}
	b.logger.Warn("policies are required from now on: to put others in force takes two persons", "sha256", digest)
	return nil
}

// checkNoPolicies refuses to start without policies where some are required and to change them takes two persons: to go on by ACLs alone may
// be to allow more.
func (b *Broker) checkNoPolicies() error {
	switch digest := b.requiredPolicies(); {
	case digest == "":
		return nil
	case b.options.Approvals.Requires(meta.ApprovePolicyChanges):
		return fmt.Errorf("%w: give chronik.authorizer.mode and chronik.policies.dir back their values, with the policies of sha256 %s, "+
			"or take policy-changes out of chronik.approval.required", errPoliciesMissing, digest)
	default:
		b.logger.Warn("chronik.policies.digest has no effect with chronik.authorizer.mode=acl, where there are no policies", "sha256", digest)
		return nil
	}
}

// policiesError says what helps where the policies are others than those that are required.
func policiesError(err error) error {
	if !errors.Is(err, rego.ErrNotRequired) {
		return fmt.Errorf("policies: %w", err)
	}
	return fmt.Errorf("policies: %w; put back those that are required (chronik policy digest DIR tells what a directory has): "+
		"others are made the required ones by chronik policy require, of a broker that runs; see docs/policies.md", err)
}

// policyFacts are what chronik doctor is told of the policies, nil where there are none.
func (b *Broker) policyFacts() *doctor.Policies {
	if b.policies == nil {
		return nil
	}
	return &doctor.Policies{InForce: b.policies.Digest(), Required: b.requiredPolicies(), Broken: b.policies.Stats().Broken}
}
