package config

import "time"

// AuthorizerMode is chronik.authorizer.mode.
type AuthorizerMode string

// The modes; see chronik.authorizer.mode.
const (
	ModeACL    AuthorizerMode = "acl"
	ModeOPA    AuthorizerMode = "opa"
	ModeBoth   AuthorizerMode = "acl+opa"
	ModeShadow AuthorizerMode = "shadow"
)

// Policies is what the configuration says of policies in Rego.
type Policies struct {
	Mode AuthorizerMode
	// Dir is chronik.policies.dir; Bundle and BundleKey are chronik.policies.bundle and its key. One of Dir and Bundle is set unless
	// the mode is ModeACL.
	Dir, Bundle, BundleKey string
	Timeout                time.Duration
	CacheEntries           int
	// Builtins is chronik.policies.builtins.allow.
	Builtins []string
}

// policies reads the keys of policies and refuses what does not fit together.
func (l *loader) policies() {
	c := l.config
	p := Policies{
		Mode: AuthorizerMode(c.text("chronik.authorizer.mode")), Dir: c.text("chronik.policies.dir"), Bundle: c.text("chronik.policies.bundle"),
		BundleKey: c.text("chronik.policies.bundle.key"), Timeout: c.millis("chronik.policies.timeout.ms"),
		CacheEntries: int(c.long("chronik.policies.cache.entries")), Builtins: SplitList(c.text("chronik.policies.builtins.allow")),
	}
	c.Policies = p
	if _, set := c.values[PoliciesDigest]; set {
		l.fail("%s is not for the file: it is set for all brokers at run time, by chronik policy require", PoliciesDigest)
	}
	switch {
	case p.Dir != "" && p.Bundle != "":
		l.fail("chronik.policies.dir and chronik.policies.bundle are both set: policies come from one of them")
	case (p.Bundle == "") != (p.BundleKey == ""):
		l.fail("chronik.policies.bundle and chronik.policies.bundle.key need each other: bundles have to be signed")
	case p.Mode != ModeACL && p.Dir == "" && p.Bundle == "":
		l.fail("chronik.authorizer.mode=%s needs chronik.policies.dir or chronik.policies.bundle", p.Mode)
	case p.Mode == ModeACL && (p.Dir != "" || p.Bundle != ""):
		l.fail("policies have no effect with chronik.authorizer.mode=acl: set it to opa, acl+opa or shadow")
	case p.Mode != ModeACL && !c.Security.ACLEnabled:
		l.fail("chronik.authorizer.mode=%s has no effect with chronik.acl.enabled=false, which allows everything", p.Mode)
	}
}
