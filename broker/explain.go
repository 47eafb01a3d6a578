package broker

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/handler"
)

// rules are what decides in this broker, for those who ask who may do what.
func (b *Broker) rules() *explain.Rules {
	r := &explain.Rules{
		Mode: b.authorizerMode(), Authorizer: b.authorizer, Invariant: handler.Invariant, Protocols: map[string]string{},
		ACLs: func(f authz.Filter, yield func(authz.Binding) bool) { b.store.Image().MatchingACLs(f, yield) },
	}
	for i := range b.options.Listeners {
		r.Protocols[b.options.Listeners[i].Name] = b.options.Listeners[i].Protocol
	}
	return r
}

func (b *Broker) authorizerMode() string {
	if b.options.ACLsOff {
		return explain.ModeOff
	}
	modes := map[rego.Mode]config.AuthorizerMode{rego.Policies: config.ModeOPA, rego.Both: config.ModeBoth, rego.Shadow: config.ModeShadow}
	if mode, found := modes[b.options.Policies.Mode]; found {
		return string(mode)
	}
	return string(config.ModeACL)
}
