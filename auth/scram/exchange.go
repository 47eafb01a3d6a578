package scram

import (
	"bytes"
	"context"
	"crypto/hmac"
	"fmt"
	"strings"
	"unicode/utf8"

	xdg "github.com/xdg-go/scram"

	"github.com/chronik-stream/chronik/auth"
)

// exchange is one SCRAM conversation. The messages' cryptography is the library's; this type holds the order, the bounds
// and the rules that Kafka adds.
type exchange struct {
	mechanism    *Mechanism
	conversation *xdg.ServerConversation
	user         string
	// byToken says that user is the id of a delegation token, token is that token.
	byToken bool
	token   Token
	// refusal is why this attempt fails at its last message whatever the proof; nil for a known user.
	refusal error
	done    bool
	doubled doubled
}

var _ auth.Foreteller = (*exchange)(nil)

// Claimed returns the user name of the first message, "" before it. A token's id is told from a user's name.
func (e *exchange) Claimed() string {
	if e.byToken && e.user != "" {
		return "delegation token " + e.user
	}
	return e.user
}

// Foretell returns the user before the last message, which has the proof. The secret of a delegation token is random and not to be guessed.
func (e *exchange) Foretell([]byte) string {
	if e.conversation == nil || e.byToken {
		return ""
	}
	return e.user
}

// Step takes the client-first message, then the client-final message (RFC 5802 section 7).
func (e *exchange) Step(_ context.Context, message []byte) ([]byte, *auth.Outcome, error) {
	if e.done {
		return nil, nil, auth.ErrOutOfOrder
	}
	answer, outcome, err := e.step(message)
	if err != nil || outcome != nil {
		e.done = true
	}
	return answer, outcome, err
}

func (e *exchange) step(message []byte) ([]byte, *auth.Outcome, error) {
	if len(message) == 0 || len(message) > auth.MaxScramMessage {
		return nil, nil, fmt.Errorf("%w: SCRAM message of %d bytes, allowed are 1 to %d", auth.ErrMalformed, len(message), auth.MaxScramMessage)
	}
	if !utf8.Valid(message) {
		return nil, nil, fmt.Errorf("%w: SCRAM message is not UTF-8", auth.ErrMalformed)
	}
	if e.conversation == nil {
		answer, err := e.first(string(message))
		return answer, nil, err
	}
	return e.final(string(message))
}

func (e *exchange) first(message string) ([]byte, error) {
	var err error
	if e.byToken, err = checkFirst(message); err != nil {
		return nil, err
	}
	server, err := e.mechanism.generator.NewServer(e.credential)
	if err != nil {
		return nil, fmt.Errorf("begin a SCRAM conversation: %w", err)
	}
	if e.mechanism.nonce != nil {
		server.WithNonceGenerator(e.mechanism.nonce)
	}
	conversation := server.NewConversation()
	answer, err := conversation.Step(message)
	if err != nil {
		return nil, fmt.Errorf("%w: client-first message: %w", auth.ErrMalformed, err)
	}
	if authzid := conversation.AuthzID(); authzid != "" && authzid != e.user {
		return nil, auth.ErrAuthzidNotAllowed
	}
	e.conversation = conversation
	e.doubled.begin(message, answer)
	return []byte(answer), nil
}

// credential answers the library's question for a user's credential. It never says that there is none.
func (e *exchange) credential(user string) (xdg.StoredCredentials, error) {
	if user == "" || len(user) > auth.MaxNameBytes || strings.ContainsRune(user, 0) {
		return xdg.StoredCredentials{}, fmt.Errorf("user name of %d bytes, or with NUL", len(user))
	}
	e.user = user
	var c Credential
	c, e.refusal = e.find(user)
	e.doubled.hash, e.doubled.credential = e.mechanism.hash, c
	return xdg.StoredCredentials{
		KeyFactors: xdg.KeyFactors{Salt: string(c.Salt), Iters: c.Iterations},
		StoredKey:  c.StoredKey,
		ServerKey:  c.ServerKey,
	}, nil
}

// find returns the credential to talk with, and why it will not do in the end.
func (e *exchange) find(user string) (Credential, error) {
	if !e.byToken {
		return e.mechanism.find(user)
	}
	var refusal error
	e.token, refusal = e.mechanism.findToken(user)
	return e.token.Credential, refusal
}

// final checks channel binding, the whole nonce (CVE-2024-56128) and the proof, which the library compares in constant time.
func (e *exchange) final(message string) ([]byte, *auth.Outcome, error) {
	answer, err := e.verify(message)
	switch {
	case e.refusal != nil:
		return nil, nil, e.refusal
	case err != nil:
		return nil, nil, err
	}
	outcome := &auth.Outcome{Principal: auth.User(e.user), Iterations: e.doubled.credential.Iterations, Holds: e.holds}
	if e.byToken {
		outcome.Principal, outcome.Token, outcome.Expires = e.token.Owner, e.user, e.token.Expires
	}
	return []byte(answer), outcome, nil
}

// holds reports whether the credential is the one that the client has proved to know.
func (e *exchange) holds() bool {
	now, refusal := e.find(e.user)
	then := &e.doubled.credential
	return refusal == nil && now.Iterations == then.Iterations && bytes.Equal(now.Salt, then.Salt) && hmac.Equal(now.StoredKey, then.StoredKey)
}

func (e *exchange) verify(message string) (string, error) {
	if e.doubled.sent(message) {
		return e.doubled.verify(message)
	}
	answer, err := e.conversation.Step(message)
	if err != nil {
		return "", fmt.Errorf("%w: %w", auth.ErrBadCredential, err)
	}
	if !e.conversation.Valid() {
		return "", auth.ErrBadCredential
	}
	return answer, nil
}

// The places of the parts of a client-first message, which commas separate: gs2-cbind-flag, authzid, user name, nonce,
// extensions.
const (
	partFlag = iota
	partAuthzid
	partName
	partNonce
	partExtensions
)

// checkFirst refuses what the library would let pass, such as a nonce out of bounds. It reports whether the message is about a
// delegation token.
func checkFirst(message string) (byToken bool, err error) {
	parts := strings.Split(message, ",")
	if len(parts) < partExtensions {
		return false, fmt.Errorf("%w: client-first message has %d parts", auth.ErrMalformed, len(parts))
	}
	if parts[partFlag] != "n" && parts[partFlag] != "y" {
		return false, fmt.Errorf("%w: channel binding is not offered", auth.ErrMalformed)
	}
	nonce := strings.TrimPrefix(parts[partNonce], "r=")
	if nonce == "" || len(nonce) > auth.MaxScramNonce || strings.ContainsFunc(nonce, notPrintable) {
		return false, fmt.Errorf("%w: client nonce of %d bytes, or not printable", auth.ErrMalformed, len(nonce))
	}
	return saysToken(parts[partExtensions:])
}

// notPrintable is everything outside of RFC 5802's printable, whose comma has been split at.
func notPrintable(r rune) bool { return r < 0x21 || r > 0x7e }
