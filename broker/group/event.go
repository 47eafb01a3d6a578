package group

import "github.com/chronik-stream/chronik/broker/coordinator"

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

// The effects that the machine wants, and the records of __consumer_offsets.
type (
	// Effect is something that the machine wants done.
	Effect = coordinator.Effect
	// Record is one record of __consumer_offsets.
	Record = coordinator.Record
	// Append wants records written.
	Append = coordinator.Append
	// Reply answers a request.
	Reply = coordinator.Reply
	// WakeAt wants a Woken event.
	WakeAt = coordinator.WakeAt
)
