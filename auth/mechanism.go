package auth

import (
	"context"
	"time"
)

// Mechanism is one SASL mechanism as the server side of it. Implementations are safe for concurrent use.
type Mechanism interface {
	// Name is the registered SASL name, such as SCRAM-SHA-512.
	Name() string
	// Start begins the exchange of one log-in attempt.
	Start() Exchange
}

// Exchange is the server's side of one log-in attempt. It is used by one goroutine.
type Exchange interface {
	// Step takes the client's next message and returns the server's answer to it. A non-nil Outcome ends the exchange
	// in success. An error ends it in failure: its text is for the log and the audit event and never for the client. An answer
	// beside an error is what the mechanism owes the client before it fails (RFC 7628 section 3.2.2): whatever the client says
	// to it is answered with the failure, and not given to Step. Where tokens are exchanged without requests around them
	// (SaslHandshake version 0) a nil answer sends nothing, and an empty one an empty token.
	Step(ctx context.Context, message []byte) (answer []byte, outcome *Outcome, err error)
	// Claimed is the identity that the client has claimed so far, "" before it has; it is not proven.
	Claimed() string
}

// Foreteller is an Exchange that knows, before it takes a message, whose password the message is to prove: what keeps guessers back
// asks so before the password is checked. Other exchanges are about what can not be guessed.
type Foreteller interface {
	Exchange
	// Foretell returns that user, "" where the message proves nothing yet. It is cheap and checks nothing.
	Foretell(message []byte) (user string)
}

// Outcome is what a successful exchange proved.
type Outcome struct {
	Principal Principal
	// Proven is the name that the client has proved to have, such as a Kerberos name, where rules have made Principal of it; else "".
	Proven string
	// Groups are those that the identity provider says the principal is in, bounded by MaxGroups; nil where it says nothing.
	Groups []string
	// Expires bounds the session (a token's or ticket's end); the zero time means that the mechanism sets no bound.
	Expires time.Time
	// Issued is when the ticket or token was made that the client has logged in by; the zero time means that there was none, as with a
	// password. Those that were made before their principal was revoked are refused.
	Issued time.Time
	// Token is the id of the delegation token that the client has logged in by, "" without one (KIP-48).
	Token string
	// Iterations is the number of iterations of the SCRAM credential that was proved, 0 for other mechanisms.
	Iterations int
	// Holds, where set, reports whether what was proved still is so. It is asked once the session can be found by who revokes it: a
	// credential that is deleted between the first message and the last opens nothing.
	Holds func() bool
}
