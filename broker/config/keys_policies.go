package config

import "encoding/hex"

// PoliciesDigest is the key of the policies that alone may come into force.
const PoliciesDigest = "chronik.policies.digest"

// sha256Hex is a SHA-256 in hexadecimal. There is one way to write each, since they are compared as texts.
type sha256Hex struct{}

func (s sha256Hex) problem(value string) string {
	if b, err := hex.DecodeString(value); err == nil && len(b) == 32 && hex.EncodeToString(b) == value {
		return ""
	}
	return "Value must be " + s.allowed()
}

func (sha256Hex) allowed() string { return "64 hexadecimal digits in lower case" }

// policyKeys are the keys of policies in Rego.
func policyKeys() []Key {
	return []Key{
		{Name: "chronik.authorizer.mode", Type: String, Default: string(ModeACL), Check: oneOf(string(ModeACL), string(ModeOPA), string(ModeBoth), string(ModeShadow)), Effect: ActedOn, Doc: "What decides who may do what, beside super users and denying ACLs, which go first in each: acl, ACLs alone; opa, policies in Rego alone; acl+opa, both have to allow; shadow, ACLs, and where the policies would decide otherwise it is counted and recorded. See docs/policies.md."},
		{Name: "chronik.policies.dir", Type: String, Null: true, Effect: ActedOn, Doc: "Directory of the policies: *.rego, and data.json, in it and below it. Changes are in force within two seconds; what is not right is refused, and the policies before stay in force."},
		{Name: "chronik.policies.bundle", Type: String, Null: true, Effect: ActedOn, Doc: "A signed bundle of the Open Policy Agent, in place of chronik.policies.dir."},
		{Name: "chronik.policies.bundle.key", Type: String, Null: true, Effect: ActedOn, Doc: "PEM file with the public key by which chronik.policies.bundle has to be signed: RSA (RS256), ECDSA (ES256, ES384, ES512) or Ed25519 (EdDSA)."},
		{Name: PoliciesDigest, Type: String, Null: true, Check: sha256Hex{}, Update: ClusterWide, Effect: ActedOn, Doc: "SHA-256 of the only policies that may come into force, as chronik policy digest tells it; while it is not set, any may. It is set for all brokers at run time alone, by chronik policy require or as the default of brokers, and not in this file. See docs/policies.md and, for policy-changes, docs/approval.md."},
		{Name: "chronik.policies.timeout.ms", Type: Long, Default: "50", Check: between(1, 10000), Effect: ActedOn, Doc: "Longest evaluation of the policies, in milliseconds. What takes longer is denied."},
		{Name: "chronik.policies.cache.entries", Type: Int, Default: "65536", Check: between(1, 1<<24), Effect: ActedOn, Doc: "How many decisions of the policies are cached. They are dropped with each change of the policies."},
		{Name: "chronik.policies.builtins.allow", Type: List, Default: "", Effect: ActedOn, Doc: "Functions of Rego that policies may use beside those without side effects, such as http.send. No decision is cached then."},
	}
}
