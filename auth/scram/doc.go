// Package scram is the server side of SASL SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) and the maker of the
// credentials that it checks.
//
// Names and passwords are taken as the UTF-8 bytes that the client has: Apache Kafka's Java client, librdkafka, franz-go
// and kafka-python apply no SASLprep (RFC 4013), so applying it here would derive other keys than they do. For ASCII both
// ways agree. A client that does prepare its password is right only when the password is already in prepared form.
package scram
