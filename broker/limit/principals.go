package limit

// Bounds on principals that are revoked, of which Apache Kafka has none.
const (
	// RevokedPrincipals is how many may be at a time. A revocation stays until it is taken back, since nobody knows for how long a
	// certificate from before it is valid. With names of some hundred bytes these are 30 MB of metadata.
	RevokedPrincipals = 100_000
	// PrincipalBytes caps the name of one: no longer one logs in, by whatever certificate.
	PrincipalBytes = 8<<10 + 64
)
