package group

import "time"

// Event is something that happened to the machine: Loaded, Asked, Appended, Failed or Woken.
type Event interface{ isEvent() }

// Loaded says that every record of the log was replayed. It comes once, before any other event.
type Loaded struct{}

// Asked brings a request. Its one Reply carries the same ticket.
type Asked struct {
	// Ticket is unique within the machine's life and never 0.
	Ticket  uint64
	Request Request
}

// Appended says that the appends up to and with Seq are confirmed. Confirmations come in order.
type Appended struct{ Seq uint64 }

// Failed says that an append failed or that the machine is to stop. Everything that is outstanding is answered, and the machine
// answers every later request with NOT_COORDINATOR: what it held in memory may differ from its log.
type Failed struct {
	// Code is what requests that wait for an append are told.
	Code int16
}

// Woken says that the time of the last WakeAt has come.
type Woken struct{}

func (Loaded) isEvent()   {}
func (Asked) isEvent()    {}
func (Appended) isEvent() {}
func (Failed) isEvent()   {}
func (Woken) isEvent()    {}

// Effect is something that the machine wants done: Append, Reply or WakeAt.
type Effect interface{ isEffect() }

// Record is one record of __consumer_offsets. A nil Value is a tombstone.
type Record struct{ Key, Value []byte }

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

func (Append) isEffect() {}
func (Reply) isEffect()  {}
func (WakeAt) isEffect() {}
