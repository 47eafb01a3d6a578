package scram

const (
	// MinIterations is the least PBKDF2 iteration count of a credential: RFC 7677 section 4 and Apache Kafka's
	// ScramMechanism, whose clients refuse less.
	MinIterations = 4096
	// MaxIterations is the largest count: Apache Kafka's ScramMechanism. A larger one is work that the server makes its
	// clients do, some of which hang (CVE-2026-10143).
	MaxIterations = 16384
	// MinFIPSSaltBytes is the least length of a salt in FIPS 140-3 mode (NIST SP 800-132 section 5.1).
	MinFIPSSaltBytes = 16
	// DefaultIterations is what kafka-storage and kafka-configs take when no count is given.
	DefaultIterations = 4096
	// MinFakeSaltKey is the least length in bytes of the secret that fake salts are made with: 128 bits.
	MinFakeSaltKey = 16
	// MaxSaltBytes bounds a salt, which is sent to whoever asks for the user.
	MaxSaltBytes = 1024
)

// saltBits is how many random bits Apache Kafka's tools put in a salt (ScramFormatter.secureRandomBytes).
const saltBits = 130
