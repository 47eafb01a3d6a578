package history

// Op is what an event is about. The zero value is invalid.
type Op uint8

// The operations. Send and End take their time: an event with Invoke says that they have begun, another one how they ended. The others are
// one event each, recorded when the client has been answered.
const (
	// Send writes one record.
	Send Op = iota + 1
	// End commits or aborts a transaction.
	End
	// Assign sets a reader's position in a partition, as a new or a restarted consumer does.
	Assign
	// Poll returns records of one partition to a reader, and moves its position behind them.
	Poll
	// Stable asks for the last stable offset of a partition.
	Stable
)

// Phase is how far an operation has come. The zero value is invalid.
type Phase uint8

// The phases. Whoever records OK or Fail must be sure of it. An error that leaves open what has happened is Unknown, and so is an
// operation that never gets a second event: a time-out, a lost connection, a commit that is answered PRODUCER_FENCED when it is tried
// again, an abort of transaction.version 2 that succeeds (it does so as well if the coordinator has aborted before, by itself).
const (
	// Invoke is recorded before anything is sent.
	Invoke Phase = iota + 1
	// OK says that it was done, by this very operation.
	OK
	// Fail says that it was not done and will not be. A transaction whose End has failed is not committed.
	Fail
	// Unknown says that it may have been done, or may still be.
	Unknown
)

// Event is something that a client did or was told. Its place in the list is its time.
type Event struct {
	// Client numbers the clients. What one client sends to a partition is sent by one idempotent producer, which keeps the order: a producer
	// that begins anew is another client, and so is each send without idempotence. A reader may be one and the same client for ever.
	Client int
	Op     Op
	// Phase is for Send and End.
	Phase Phase
	// Txn is the transaction of a Send or End; 0 is none. A number is never used again, by whatever producer.
	Txn int64
	// Commit says what an End is to do.
	Commit    bool
	Topic     string
	Partition int32
	// Offset is what a Send was answered, or -1 where it was not told; the position of an Assign; the answer of a Stable.
	Offset int64
	// Value is unique to a Send: one that is tried again by the application has another value.
	Value string
	// Once names what a Send's record is the effect of, in case that must take place once at most: read-committed readers may not see
	// two records with the same name. Attempts that are aborted and repeated share it. Empty is none.
	Once string
	// Committed says that a Poll's reader is read-committed.
	Committed bool
	// Records are what a Poll returned, in its order.
	Records []Record
	// Next is a Poll's position afterwards, if it is known to be behind more than the last record's; else 0.
	Next int64
}

// Record is what a reader was given.
type Record struct {
	Offset int64
	Value  string
}
