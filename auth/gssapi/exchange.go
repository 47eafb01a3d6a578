package gssapi

import (
	"context"
	"fmt"

	"github.com/chronik-stream/chronik/auth"
)

// exchange is one log-in attempt: AP-REQ; with mutual authentication AP-REP and the client's empty message; the offer of layers and
// the client's choice.
type exchange struct {
	mechanism *Mechanism
	context   securityContext
	principal auth.Principal
	// next takes the message that is due, nil after the last one.
	next step
}

// step takes a message and says what takes the one after it.
type step func(ctx context.Context, e *exchange, message []byte) (answer []byte, next step, err error)

// Claimed returns the name in the client's ticket, "" before one could be read.
func (e *exchange) Claimed() string {
	if len(e.context.client.components) == 0 {
		return ""
	}
	return e.context.client.String()
}

// Step takes the client's next message. The last one has no answer, not even an empty one: after a SaslHandshake of version 0 nothing
// is sent then.
func (e *exchange) Step(ctx context.Context, message []byte) (answer []byte, outcome *auth.Outcome, err error) {
	if e.next == nil {
		return nil, nil, auth.ErrOutOfOrder
	}
	due := e.next
	e.next = nil
	err = contain(func() (err error) {
		answer, e.next, err = due(ctx, e, message)
		return err
	})
	if err != nil {
		e.next = nil
		return nil, nil, err
	}
	if e.next == nil {
		return nil, e.outcome(), nil
	}
	return answer, nil, nil
}

// outcome is what a log-in has proved that has come to its end.
func (e *exchange) outcome() *auth.Outcome {
	out := &auth.Outcome{Principal: e.principal, Proven: e.context.client.String(), Issued: e.context.authenticated}
	if e.mechanism.bound {
		out.Expires = e.context.ends
	}
	return out
}

// begin takes the AP-REQ.
func begin(ctx context.Context, e *exchange, message []byte) ([]byte, step, error) {
	m := e.mechanism
	if err := m.acceptor.accept(ctx, message, &e.context); err != nil {
		return nil, nil, err
	}
	short, err := m.rules.ShortName(e.context.client.String())
	if err != nil {
		return nil, nil, err
	}
	e.principal = auth.User(short)
	if e.context.flags&flagMutual == 0 {
		answer, err := m.acceptor.offer(&e.context)
		return answer, chosen, err
	}
	answer, err := m.acceptor.reply(&e.context)
	return answer, replied, err
}

// replied takes the empty message that follows an AP-REP.
func replied(_ context.Context, e *exchange, message []byte) ([]byte, step, error) {
	if len(message) > 0 {
		return nil, nil, fmt.Errorf("%w: %d bytes after the AP-REP", auth.ErrOutOfOrder, len(message))
	}
	answer, err := e.mechanism.acceptor.offer(&e.context)
	return answer, chosen, err
}

// chosen takes the client's choice of a layer.
func chosen(_ context.Context, e *exchange, message []byte) ([]byte, step, error) {
	return nil, nil, e.mechanism.acceptor.choose(message, &e.context)
}
