// Package tls is the only door to crypto/tls: it makes the broker's TLS configuration from Apache Kafka's ssl.* settings,
// strictly, renews it when the files change, and tells who the other side of a connection is.
//
// TLS 1.2 and 1.3 are spoken, nothing older. Key exchanges are Go's own choice, X25519MLKEM768 first.
package tls
