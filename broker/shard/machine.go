package shard

import (
	"context"
	"time"
)

// Record is one record of a coordinator's log. A nil Value is a tombstone.
type Record struct{ Key, Value []byte }

// Log is one partition of a coordinator's topic, led by this broker.
type Log interface {
	// Append writes the records as one batch with the time now, and does not wait for the disk. The batches of a log are written in the
	// order of the calls. wait returns when the batch is confirmed, by the log's flush policy and its in-sync replicas, or cannot be.
	// After any error, of Append or wait, the batch may or may not be in the log. wait ends when its context does.
	Append(records []Record, now time.Time) (wait func(context.Context) error, err error)
	// Read calls yield for every record of the log, in order, and returns when all of them are confirmed. The record's bytes belong to
	// the log again when yield returns. An error of yield ends Read with that error.
	Read(ctx context.Context, yield func(Record) error) error
}

// Machine is a coordinator of one partition as a pure state machine. Q are its requests.
type Machine[Q any] interface {
	// Replay takes one record of the log; it comes before the first step. It keeps nothing of the record's bytes.
	Replay(r Record) error
	// Step takes one event and returns what is to be done.
	Step(ev Event[Q], now time.Time) Effects
}

// Kind says what an event is. The zero value is invalid.
type Kind uint8

// The kinds of events.
const (
	// Loaded is the first event: the log was replayed.
	Loaded Kind = iota + 1
	// Asked brings a Request with its Ticket.
	Asked
	// Appended says that every append up to and with Seq is confirmed.
	Appended
	// Failed is the last event: an append failed, or the partition moves away. Everything outstanding has to be answered.
	Failed
	// Woken says that the time of Effects.WakeAt has come.
	Woken
)

// Event is something that happened to a machine.
type Event[Q any] struct {
	Kind    Kind
	Ticket  uint64
	Request Q
	Seq     uint64
	// Code is the Kafka error code that Failed answers with.
	Code int16
}

// Effects is what one step wants done: first the appends, then the replies.
type Effects struct {
	Appends []Append
	Replies []Reply
	// Wake says that WakeAt replaces the time set before; a zero WakeAt takes it back.
	Wake   bool
	WakeAt time.Time
}

// Append wants records written, all or none. Seq rises by one from append to append.
type Append struct {
	Seq     uint64
	Records []Record
}

// Reply answers the request with the ticket: with Answer, or with a Kafka error code that is not 0.
type Reply struct {
	Ticket uint64
	Code   int16
	Answer any
}
