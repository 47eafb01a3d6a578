package group

import "github.com/chronik-stream/chronik/broker/coordinator"

// The events of the machine, the effects that it wants, and the records of __consumer_offsets.
type (
	// Event is something that happened to the machine.
	Event = coordinator.Event
	// Loaded says that the log was replayed.
	Loaded = coordinator.Loaded
	// Asked brings a request.
	Asked = coordinator.Asked[Request]
	// Appended says that appends are confirmed.
	Appended = coordinator.Appended
	// Refused says that the log did not take an append in a transaction, or a marker.
	Refused = coordinator.Refused
	// Failed ends the machine.
	Failed = coordinator.Failed
	// Woken says that the time of WakeAt has come.
	Woken = coordinator.Woken

	// Effect is something that the machine wants done.
	Effect = coordinator.Effect
	// Record is one record of __consumer_offsets.
	Record = coordinator.Record
	// Entry is a record as it is replayed, or a marker.
	Entry = coordinator.Entry
	// Append wants records written.
	Append = coordinator.Append
	// Reply answers a request.
	Reply = coordinator.Reply
	// WakeAt wants a Woken event.
	WakeAt = coordinator.WakeAt
)
