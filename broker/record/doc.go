// Package record knows Apache Kafka's record batch, version 2: its header, its checksum, its compression codecs within bounds,
// what makes a client's batch acceptable, and how the broker builds batches of its own. It knows no file and no connection.
package record
