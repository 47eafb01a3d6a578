// Package mtls names the owner of a client certificate: by the subject's distinguished name, written as Java does, or by an
// alternative name of it; and maps what it finds by Apache Kafka's ssl.principal.mapping.rules.
package mtls
