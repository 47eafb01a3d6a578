package config

import (
	"slices"
	"time"
)

// Tokens are the settings of delegation tokens.
type Tokens struct {
	// Secret is delegation.token.secret.key; "" means that there are no tokens.
	Secret string
	// MaxLifetime, Expiry and CheckInterval are delegation.token.max.lifetime.ms, .expiry.time.ms and .expiry.check.interval.ms.
	MaxLifetime, Expiry, CheckInterval time.Duration
}

func (l *loader) tokens() {
	c := l.config
	c.Tokens = Tokens{
		Secret: c.text("delegation.token.secret.key"), MaxLifetime: c.millis("delegation.token.max.lifetime.ms"),
		Expiry: c.millis("delegation.token.expiry.time.ms"), CheckInterval: c.millis("delegation.token.expiry.check.interval.ms"),
	}
	hasSCRAM := func(of Listener) bool {
		return slices.Contains(of.Mechanisms, "SCRAM-SHA-256") || slices.Contains(of.Mechanisms, "SCRAM-SHA-512")
	}
	if c.Tokens.Secret != "" && !slices.ContainsFunc(c.Listeners, hasSCRAM) {
		l.warn("delegation.token.secret.key", "delegation.token.secret.key: no listener has a SCRAM mechanism, so that nobody can log in by a delegation token")
	}
}
