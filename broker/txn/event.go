package txn

import "github.com/chronik-stream/chronik/broker/coordinator"

// Event is something that happened to the machine: Loaded, Asked, Appended, Failed, Woken or Returned.
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

// Returned brings what a Call came to. Every call returns once. A result of another type than the call's is a failed call.
type Returned struct {
	ID     uint64
	Result any
}

func (Loaded) isEvent()   {}
func (Asked) isEvent()    {}
func (Appended) isEvent() {}
func (Failed) isEvent()   {}
func (Woken) isEvent()    {}
func (Returned) isEvent() {}

// The effects that the machine wants, and the records of __transaction_state.
type (
	// Effect is something that the machine wants done.
	Effect = coordinator.Effect
	// Record is one record of __transaction_state.
	Record = coordinator.Record
	// Append wants records written.
	Append = coordinator.Append
	// Reply answers a request.
	Reply = coordinator.Reply
	// WakeAt wants a Woken event.
	WakeAt = coordinator.WakeAt
	// Call wants a WantProducerID or a SendMarkers done; Returned tells how it went.
	Call = coordinator.Call
)

// WantProducerID asks for a producer id that nobody has had. The result is a ProducerID.
type WantProducerID struct{}

// ProducerID is the result of WantProducerID: an id, or a Kafka error code that says why there is none.
type ProducerID struct {
	ID   int64
	Code int16
}

// SendMarkers asks for the outcome of a transaction to be written into partitions. The result is a Marked.
type SendMarkers struct {
	TransactionalID  string
	ProducerID       int64
	Epoch            int16
	Commit           bool
	CoordinatorEpoch int32
	// Level is the transaction.version under which the transaction ended: from 2 on, Epoch is above that of the transaction's batches.
	Level int16
	// Partitions are in order.
	Partitions []TopicPartition
}

// Marked is the result of SendMarkers, in any order. A partition that is missing counts as not written.
type Marked []MarkedPartition

// MarkedPartition tells how a marker went.
type MarkedPartition struct {
	TopicPartition
	// Code is a Kafka error code.
	Code int16
	// Gone says that the partition does not exist any more, so that there is nothing to write.
	Gone bool
}
