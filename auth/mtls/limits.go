package mtls

const (
	// maxNameBytes bounds a distinguished name that rules are applied to; RE2 takes time in proportion to it.
	maxNameBytes = 8192
	// maxRulesBytes bounds ssl.principal.mapping.rules.
	maxRulesBytes = 64 << 10
)
