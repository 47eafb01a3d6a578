package coordinator

// Event is something that happened to a coordinator: Loaded, Asked, Appended, Refused, Failed, Woken or Returned.
type Event interface{ isEvent() }

// Loaded says that every record of the log was replayed. It comes once, before any other event.
type Loaded struct{}

// Asked brings a request. Its one Reply carries the same ticket.
type Asked[Q any] struct {
	// Ticket is unique within the machine's life and never 0.
	Ticket  uint64
	Request Q
}

// Appended says that the appends up to and with Seq are confirmed. Confirmations come in order.
type Appended struct{ Seq uint64 }

// Refused says that the log did not take the append of the step before, which had a Producer or a Marker: nothing was written, and the
// log is as good as it was. It comes before any other event. The number of the append is free again.
type Refused struct {
	// Code says why.
	Code int16
}

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
func (Asked[Q]) isEvent() {}
func (Appended) isEvent() {}
func (Refused) isEvent()  {}
func (Failed) isEvent()   {}
func (Woken) isEvent()    {}
func (Returned) isEvent() {}
