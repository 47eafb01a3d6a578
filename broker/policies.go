package broker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/config"
)

const (
	// policyInterval is how often the policies are looked at: a change counts at the second look, and is to be in force within two seconds.
	policyInterval = 500 * time.Millisecond
	// maxKeyBytes bounds the file with the public key of bundles: RSA of 16,384 bits takes 3 KiB.
	maxKeyBytes = 64 << 10
)

// PolicyOptions say which policies decide beside the ACLs. Without a mode none do.
type PolicyOptions struct {
	Mode   rego.Mode
	Source rego.Source
	// Allowed are functions that policies may use beside those without side effects.
	Allowed []string
	Limits  rego.Limits
}

func policiesOf(p config.Policies) (PolicyOptions, error) {
	modes := map[config.AuthorizerMode]rego.Mode{config.ModeOPA: rego.Policies, config.ModeBoth: rego.Both, config.ModeShadow: rego.Shadow}
	o := PolicyOptions{
		Mode: modes[p.Mode], Allowed: p.Builtins, Limits: rego.Limits{Timeout: p.Timeout, CacheEntries: p.CacheEntries},
	}
	if o.Mode == 0 {
		return o, nil
	}
	if p.Dir != "" {
		o.Source = rego.Dir(os.DirFS(p.Dir))
		return o, nil
	}
	info, err := os.Stat(p.BundleKey)
	if err != nil {
		return o, fmt.Errorf("chronik.policies.bundle.key: %w", err)
	}
	if info.Size() > maxKeyBytes {
		return o, fmt.Errorf("chronik.policies.bundle.key: %s has more than %d bytes", p.BundleKey, maxKeyBytes)
	}
	key, err := os.ReadFile(p.BundleKey)
	if err != nil {
		return o, fmt.Errorf("chronik.policies.bundle.key: %w", err)
	}
	if o.Source, err = rego.Bundle(os.DirFS(filepath.Dir(p.Bundle)), filepath.Base(p.Bundle), key); err != nil {
		return o, fmt.Errorf("chronik.policies.bundle.key: %s: %w", p.BundleKey, err)
	}
	return o, nil
}

// makeAuthorizer makes what decides who may do what: of ACLs and, where there are some, of policies.
func (b *Broker) makeAuthorizer(ctx context.Context, acls *acl.Authorizer) error {
	p := b.options.Policies
	switch {
	case b.options.ACLsOff:
		b.authorizer = open{}
		return nil
	case p.Mode == 0:
		b.authorizer = acls
		return b.checkNoPolicies()
	}
	engine, err := rego.New(ctx, rego.Config{
		Source: p.Source, Allowed: p.Allowed, Limits: p.Limits, Required: b.requiredPolicies, Clock: b.options.Clock, Logger: b.logger,
		Changed: b.recordPolicies,
	})
	if err == nil {
		err = b.pinPolicies(ctx, engine.Digest())
	}
	if err != nil {
		return policiesError(err)
	}
	authorizer := rego.NewAuthorizer(rego.Rules{
		Mode: p.Mode, ACLs: acls, Engine: engine,
		Differs: func(e rego.Event) { b.recordDecision(e, true) }, Noted: func(e rego.Event) { b.recordDecision(e, false) },
	})
	b.policies, b.authorizer = engine, authorizer
	b.registry.MustRegister(newPolicyMetrics(engine, authorizer))
	return nil
}

// startPolicies records the policies in force, and follows their changes.
func (b *Broker) startPolicies(ctx context.Context) {
	if b.policies == nil {
		return
	}
	b.recordPolicies(rego.Change{Digest: b.policies.Digest(), Required: b.requiredPolicies()})
	b.background(ctx, func(ctx context.Context) { b.policies.Run(ctx, policyInterval) })
}

// recordPolicies records a change of the policies. Those that the broker starts with are recorded when there is an audit log.
func (b *Broker) recordPolicies(c rego.Change) {
	if b.audit == nil {
		return
	}
	e := audit.PolicyChange{Digest: c.Digest, Required: c.Required}
	if c.Err != nil {
		e.Refused = c.Err.Error()
	}
	b.recordEvent(e)
}

// recordDecision records a decision that the policies made and somebody is to know of.
func (b *Broker) recordDecision(e rego.Event, shadow bool) {
	q := &e.Question
	n := audit.PolicyDecision{
		Client: audit.Client{Principal: q.Who.Principal, Host: q.Who.Host, Listener: q.Who.Listener},
		Need:   authz.Need{Op: q.Op, On: q.On, AnyOfType: q.AnyOfType}, ACL: e.ACL, Policy: e.Policy, Shadow: shadow,
	}
	if c, is := q.Who.Request.(*api.Call); is {
		n.Client = clientOf(c.Conn, c.Session)
		n.Client.ClientID, n.API, n.Version = c.ClientID, c.API, c.Version
	}
	b.recordEvent(n)
}

// recordEvent is for what is over already: a failure is counted and logged by the recorder itself.
func (b *Broker) recordEvent(e audit.Event) {
	if err := b.audit.Record(context.Background(), e); err != nil {
		b.logger.Debug("audit event not recorded", "error", err)
	}
}
