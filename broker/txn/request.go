package txn

// Request is one of the types below.
type Request interface{ isRequest() }

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Producer is what a transactional id's producer calls itself.
type Producer struct {
	ID    int64
	Epoch int16
}

// Init gives the transactional id's producer a new epoch, so that older ones are fenced, and ends a transaction that an older one left
// (InitProducerId). The answer is a Producer.
type Init struct {
	TransactionalID string
	TimeoutMillis   int32
	// Expected is what the producer believes to be (KIP-360); both fields are -1 where it does not say.
	Expected Producer
}

// Add makes partitions part of the producer's transaction, and begins one where there is none (AddPartitionsToTxn, AddOffsetsToTxn).
// It is answered with a code.
type Add struct {
	TransactionalID string
	Producer        Producer
	Partitions      []TopicPartition
	// Level is the transaction.version that the request's version stands for: 2 for partitions that a broker adds (KIP-890), else 0.
	Level int16
}

// Verify asks whether partitions are part of the producer's transaction (KIP-890). The answer is a []int16: a code for each partition.
type Verify struct {
	TransactionalID string
	Producer        Producer
	Partitions      []TopicPartition
}

// End commits or aborts the producer's transaction (EndTxn). It is answered when the decision is in the log; the markers follow. The
// answer is a Producer: what the client is to call itself from now on, which has changed where Level is 2.
type End struct {
	TransactionalID string
	Producer        Producer
	Commit          bool
	// Level is the transaction.version that the request's version stands for: 2 from version 5 on, else 0.
	Level int16
}

// Describe tells about a transactional id. The answer is a *kmsg.DescribeTransactionsResponseTransactionState, with a code of its own.
type Describe struct{ TransactionalID string }

// List tells the transactional ids of this machine, by name. The answer is a []kmsg.ListTransactionsResponseTransactionState.
type List struct {
	// States are names of states; empty means all.
	States []string
	// ProducerIDs filter; empty means all.
	ProducerIDs []int64
	// DurationMillis leaves out transactions that are not older; negative means none.
	DurationMillis int64
}

// SetLevel tells the finalized transaction.version when it has changed. It is answered with a code.
type SetLevel struct{ Level int16 }

// SetMaxAppend tells how many bytes of records a batch of Topic can hold, when that has changed. It is answered with a code.
type SetMaxAppend struct{ Bytes int }

func (Init) isRequest()         {}
func (Add) isRequest()          {}
func (Verify) isRequest()       {}
func (End) isRequest()          {}
func (Describe) isRequest()     {}
func (List) isRequest()         {}
func (SetLevel) isRequest()     {}
func (SetMaxAppend) isRequest() {}
