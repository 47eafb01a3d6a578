package auth

// Encryption is what the two ends of a connection with TLS have agreed on.
type Encryption struct {
	// Version is TLSv1.2 or TLSv1.3.
	Version string `json:"version"`
	// Group is the group of the key exchange by its IANA name, such as X25519MLKEM768; "" where there was none.
	Group string `json:"group"`
	// PostQuantum says that a recording of the connection stays secret from whoever has a quantum computer one day: the group is
	// a hybrid with ML-KEM.
	PostQuantum bool `json:"postQuantum"`
	// Suite is the cipher suite by its IANA name.
	Suite string `json:"suite"`
}
