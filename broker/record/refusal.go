package record

import (
	"errors"
	"fmt"
)

// Reason is why a batch is refused. The zero value is invalid.
type Reason uint8

// The reasons, each of which the protocol has an error code for.
const (
	// Corrupt batches are not what the client meant to send: it may send them again.
	Corrupt Reason = iota + 1
	// Invalid batches are what no honest client makes.
	Invalid
	// TooLarge batches exceed max.message.bytes.
	TooLarge
	// BadCodec is a compression that is unknown, or that the request's version does not have.
	BadCodec
	// BadTimestamp is outside what the topic allows.
	BadTimestamp
)

// Refusal says why a batch is not accepted.
type Refusal struct {
	Reason Reason
	err    error
}

// Error implements error.
func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap returns the cause, where there is one.
func (r *Refusal) Unwrap() error { return errors.Unwrap(r.err) }

func refuse(reason Reason, format string, args ...any) error {
	return &Refusal{Reason: reason, err: fmt.Errorf(format, args...)}
}
