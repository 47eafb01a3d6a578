// Package group is the coordinator of consumer groups: membership and rebalances of the classic protocol, and committed
// offsets, as one pure state machine per partition of __consumer_offsets. It has no clock, goroutine, lock or I/O: Step takes
// an event and the time and returns what to do. Its durable state are Apache Kafka's own records.
//
// A reply never tells what is not yet confirmed: while an append is outstanding, replies wait for it, reads included.
package group
