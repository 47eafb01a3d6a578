// Package txn is the coordinator of transactions: producer ids and epochs of transactional ids, the partitions of their transactions,
// and how these end, as one pure state machine per partition of __transaction_state. It has no clock, goroutine, lock or I/O: Step takes
// an event and the time and returns what to do. Its durable state are Apache Kafka's own records, its rules are those of
// TransactionCoordinator and TransactionMetadata of Apache Kafka 4.3 (KIP-98, KIP-360, KIP-890).
//
// Memory changes with the step, and each change is an append. A reply never tells what is not yet confirmed: while an append is
// outstanding, replies wait for it, reads included. Markers go out only when the decision that they carry is confirmed. So where Apache
// Kafka answers CONCURRENT_TRANSACTIONS because an append is outstanding, this machine answers later; and a fence whose append failed
// is never seen, because the machine ends with it and the next one begins with the log.
package txn
