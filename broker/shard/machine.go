package shard

import (
	"context"
	"errors"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
)

// ErrRefused is wrapped by what Log.Append returns when it knows that it has written nothing and can go on as before: the log's own rules
// speak against this append alone, such as a producer that is fenced. The error has the Kafka error code to tell (wire.CodeOf).
var ErrRefused = errors.New("the log refuses the append")

// Log is one partition of a coordinator's topic, led by this broker.
type Log interface {
	// Append writes the records as one batch, or the marker, with the time now, and does not wait for the disk. What a log takes is in
	// the order of the calls. wait returns when it is confirmed, by the log's flush policy and its in-sync replicas, or cannot be.
	// After any error, of Append or wait, that is not ErrRefused, it may or may not be in the log. wait ends when its context does.
	Append(what coordinator.Append, now time.Time) (wait func(context.Context) error, err error)
	// Read calls yield for every record and marker of the log, in order, and returns when all of them are confirmed. The bytes belong to
	// the log again when yield returns. An error of yield ends Read with that error.
	Read(ctx context.Context, yield func(coordinator.Entry) error) error
}

// Machine is a coordinator of one partition as a pure state machine.
type Machine interface {
	// Replay takes one entry of the log; it comes before the first step. It keeps nothing of the entry's bytes.
	Replay(e coordinator.Entry) error
	// Step takes one event and returns what is to be done, in order.
	Step(ev coordinator.Event, now time.Time) []coordinator.Effect
}
