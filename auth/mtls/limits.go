package mtls

const (
	// maxNameBytes bounds a distinguished name that rules are applied to; RE2 takes time in proportion to it.
	maxNameBytes = 8192
	// maxRulesBytes bounds ssl.principal.mapping.rules.
	maxRulesBytes = 64 << 10
	// maxAlternativeNames bounds those of a certificate that is to name somebody by one of them.
	maxAlternativeNames = 100
	// maxHostBytes and maxLabelBytes bound a DNS name and each of its parts (RFC 1035 section 2.3.4); the former also a trust domain of
	// SPIFFE.
	maxHostBytes, maxLabelBytes = 255, 63
	// maxLocalBytes bounds the part of an email address before the @ (RFC 5321 section 4.5.3.1.1).
	maxLocalBytes = 64
	// maxSPIFFEBytes bounds a SPIFFE ID (SPIFFE-ID section 2.3).
	maxSPIFFEBytes = 2048
)
