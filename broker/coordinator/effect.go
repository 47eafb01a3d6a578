package coordinator

import "time"

// Effect is something that a coordinator wants done: Append, Reply, WakeAt, Call or Trouble.
type Effect interface{ isEffect() }

// Append wants records or a marker written, all or none, in the order of Seq.
type Append struct {
	// Seq grows by one with each append of the machine.
	Seq     uint64
	Records []Record
	// Producer, where it is not nil, is the one to whose transaction the records belong.
	Producer *Producer
	// Marker, where it is not nil, is to be written; then there are no Records.
	Marker *Marker
}

// Alone reports whether the append goes into a batch of its own. It can be refused (Refused), so it is the last append of its step, and
// the only one.
func (a Append) Alone() bool { return a.Producer != nil || a.Marker != nil }

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

// Trouble says that a request was refused with UNKNOWN_SERVER_ERROR, which tells its client nothing: those who run the broker can do
// something about it.
type Trouble struct {
	// ID is the group or the transactional id.
	ID string
	// Err says what could not be done and why.
	Err error
}

func (Append) isEffect()  {}
func (Reply) isEffect()   {}
func (WakeAt) isEffect()  {}
func (Call) isEffect()    {}
func (Trouble) isEffect() {}
