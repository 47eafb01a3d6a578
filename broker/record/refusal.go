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

// String is the name in metrics.
func (r Reason) String() string {
	switch r {
	case Corrupt:
		return "corrupt"
	case Invalid:
		return "invalid"
	case TooLarge:
		return "too large"
	case BadCodec:
		return "codec"
	case BadTimestamp:
		return "timestamp"
	default:
		return fmt.Sprintf("reason %d", uint8(r))
	}
}

// Refusal says why a batch is not accepted.
type Refusal struct {
	Reason Reason
	// Records lists the records that are to blame, the first ones of many; it is empty where the batch as a whole is.
	Records []Blame
	err     error
}

// Blame is what is wrong with one record of a batch (KIP-467).
type Blame struct {
	// Index is the record's place in the batch, from 0.
	Index   int32
	Message string
}

// Error implements error.
func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap returns the cause, where there is one.
func (r *Refusal) Unwrap() error { return errors.Unwrap(r.err) }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, err: fmt.Errorf(format, args...)}
}

// and adds what is wrong with one more record. A wrong time outweighs the rest, as in Apache Kafka's LogValidator.
func (r *Refusal) and(index int32, more *Refusal) *Refusal {
	if r == nil {
		r = &Refusal{Reason: more.Reason, err: fmt.Errorf("record %d of the batch: %w", index, more.err)}
	}
	if more.Reason == BadTimestamp {
		r.Reason = BadTimestamp
	}
	if len(r.Records) < maxRecordErrors {
		r.Records = append(r.Records, Blame{Index: index, Message: more.Error()})
	}
	return r
}
