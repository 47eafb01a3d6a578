// Package consumerlog has the records that groups of the consumer protocol (KIP-848) keep in __consumer_offsets, in the bytes of
// Apache Kafka 4.3.1 (its generated coordinator records ConsumerGroup*Key and ConsumerGroup*Value).
//
// A key is an i16, its type, and strings. A value is an i16, version 0, and a flexible message (KIP-482); a record without a value
// deletes what its key names. Tagged fields that are not known here are skipped, and so are bytes after the message; every other
// deviation is an error. No length in a record is believed beyond what is there.
package consumerlog
