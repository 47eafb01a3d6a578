package gssapi

import (
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
)

// Flags of a security context (RFC 4121 section 4.1.1.1).
const (
	flagMutual    = 2
	flagReplay    = 4
	flagSequence  = 8
	flagIntegrity = 32
)

// securityContext is what client and server agree on by the AP-REQ and, with mutual authentication, the AP-REP.
type securityContext struct {
	client name
	// authenticated is when the KDC authenticated the client, ends when a session by the ticket does. That is settled when the ticket is
	// looked at: the log-in that it begins may be held open for minutes.
	authenticated, ends time.Time
	// flags are the client's wishes.
	flags uint32
	// session is the ticket's key. key protects the tokens that follow: the server's subkey, else the client's, else session.
	session, key types.EncryptionKey
	// own says that key is the subkey that the server has given.
	own bool
	// sent is when the client made the authenticator, to the microsecond.
	sent time.Time
	// clientSequence and serverSequence are the numbers of the first token that either side sends under this context.
	clientSequence, serverSequence uint32
}
