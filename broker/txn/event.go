package txn

import "github.com/chronik-stream/chronik/broker/coordinator"

// The events of the machine, the effects that it wants, and the records of __transaction_state.
type (
	// Event is something that happened to the machine.
	Event = coordinator.Event
	// Loaded says that the log was replayed.
	Loaded = coordinator.Loaded
	// Asked brings a request.
	Asked = coordinator.Asked[Request]
	// Appended says that appends are confirmed.
	Appended = coordinator.Appended
	// Failed ends the machine.
	Failed = coordinator.Failed
	// Woken says that the time of WakeAt has come.
	Woken = coordinator.Woken
	// Returned brings what a Call came to.
	Returned = coordinator.Returned

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
	// Call wants a WantProducerID or a SendMarkers done.
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
	// Gone says that there is nothing to mark, for example since the partition does not exist any more.
	Gone bool
}
