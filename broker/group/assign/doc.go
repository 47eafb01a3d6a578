// Package assign says which member of a consumer group gets which partitions: the assignors "range" and "uniform" that brokers carry
// for the consumer protocol (KIP-848), with the promises of Apache Kafka's RangeAssignor and UniformAssignor.
//
// Everything here is a pure function, and the same group always gets the same answer: members and topics are taken in the order of
// their ids where Apache Kafka takes them in that of its hash tables. As there, racks make no difference.
package assign
