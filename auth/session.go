package auth

import (
	"net/netip"
	"time"
)

// Session is what one log-in established. It is immutable; re-authentication replaces it.
type Session struct {
	Principal Principal
	// Token is the id of the delegation token that the client has logged in by, "" without one (KIP-48).
	Token string
	// Proven is the name that the client has proved to have where rules have made Principal of it, such as a Kerberos name; else "".
	Proven string
	// Groups are those that the log-in brought, such as by a token's claim.
	Groups []string
	// Method is the SASL mechanism, "mTLS", or "NONE" for an anonymous connection.
	Method string
	// Listener is the name of the listener that the client came in by.
	Listener string
	// Protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
	Protocol string
	// Host is the client's address in the text form that ACLs are compared with.
	Host netip.Addr
	// Established is when the log-in ended.
	Established time.Time
	// Issued is when the ticket, token or certificate was made that the client has logged in by; the zero time means that there was none.
	Issued time.Time
	// Expires is when the session ends by itself; the zero time means never.
	Expires time.Time
	// Certificate is what the client showed in the TLS handshake, nil where it showed none. On listeners with SASL it does not
	// name the principal.
	Certificate *Certificate
	// Encryption is what the TLS handshake came to, nil on listeners without TLS.
	Encryption *Encryption
	// Iterations is the number of the SCRAM credential's iterations, 0 for other log-ins.
	Iterations int
}
