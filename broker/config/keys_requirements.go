package config

// requirementKeys are the keys of what listeners and the binary have to hold to.
func requirementKeys() []Key {
	return []Key{
		{Name: "chronik.fips.required", Type: Boolean, Default: "false", Effect: ActedOn, Doc: "Whether the broker refuses to start in a binary that does not run its cryptographic module in FIPS 140-3 mode; see docs/security.md."},
		{Name: "chronik.listener.require", Type: List, Check: eachOf(RequirePostQuantum, RequireCertificate, RequireFIPS), Effect: ActedOn, Doc: "What a listener requires of every connection beyond its protocol: pq, a post-quantum key exchange (a hybrid with ML-KEM, so TLS 1.3 alone); mtls, a client certificate, beside the log-in by SASL too; fips, that the broker runs in FIPS 140-3 mode. For one listener: listener.name.NAME.chronik.listener.require."},
	}
}
