package tls

const (
	// maxStoreBytes bounds a key store or trust store; the system's bundle of all public authorities has 0.25 MB.
	maxStoreBytes = 8 << 20
	// maxKeyIterations bounds the work that an encrypted private key asks for: seconds.
	maxKeyIterations = 10_000_000
)
