package auth

// Bounds on what a log-in may send, for every mechanism. The frame that carries a message is bounded by the listener
// (sasl.server.max.receive.size); these are tighter, since the parsers see them before anybody is known.
const (
	// MaxNameBytes bounds a user name in UTF-8. RFC 4616 suggests room for 255 octets, and names end up in ACLs and events.
	MaxNameBytes = 255
	// MaxPasswordBytes bounds a password in UTF-8: far above any passphrase, far below what makes hashing it costly.
	MaxPasswordBytes = 1024
	// MaxPlainMessage bounds a SASL PLAIN message: two names, a password, and the NULs between them.
	MaxPlainMessage = 2*MaxNameBytes + MaxPasswordBytes + 2
	// MaxScramMessage bounds a SCRAM message: an authorization id and a name whose every byte is escaped to three, a
	// nonce, and room for extensions.
	MaxScramMessage = 4096
	// MaxScramNonce bounds the client's share of the nonce; clients in use send at most 32 bytes.
	MaxScramNonce = 512
	// MaxOAuthMessage bounds an OAUTHBEARER message: a token with all the groups of a large organisation has some 16 KiB.
	MaxOAuthMessage = 32 << 10
	// MaxGroups and MaxGroupBytes bound the groups that a token brings; identity providers leave out the list beyond 200.
	MaxGroups     = 256
	MaxGroupBytes = 255
	// MaxAlternativeNames bounds the names of each kind that are kept of a client's certificate, which may hold thousands.
	MaxAlternativeNames = 16
)
