package coordinator

import "time"

// Effect is something that a coordinator wants done: Append, Reply, WakeAt or Call.
type Effect interface{ isEffect() }

// recordOverhead is what a record takes in a batch beyond its key and value, at most.
const recordOverhead = 40

// Record is one record of the coordinator's log. A nil Value is a tombstone.
type Record struct{ Key, Value []byte }

// Size is how many bytes the record takes in a batch, at most.
func (r Record) Size() int { return len(r.Key) + len(r.Value) + recordOverhead }

// Append wants records written, all or none, in the order of Seq.
type Append struct {
	// Seq grows by one with each append of the machine.
	Seq     uint64
	Records []Record
}

// Reply answers the request that came with Ticket.
type Reply struct {
	Ticket uint64
	// Code is a Kafka error code for the whole request; when it is not 0, there is no Answer.
	Code int16
	// Answer is as the request's type says; nil where success says it all.
	Answer any
}

// WakeAt wants a Woken event at the time; it replaces the wish before it. A zero time wants none.
type WakeAt struct{ At time.Time }

// Call wants something done that takes its time; an event tells how it went.
type Call struct {
	// ID is unique within the machine's life and never 0.
	ID uint64
	// What is as the coordinator says.
	What any
}

func (Append) isEffect() {}
func (Reply) isEffect()  {}
func (WakeAt) isEffect() {}
func (Call) isEffect()   {}
