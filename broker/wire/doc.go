// Package wire reads and writes the Kafka protocol's outermost layers: frames, headers, request bodies behind a bound on
// what they may decode into, and responses; and it holds the protocol's error codes.
package wire
