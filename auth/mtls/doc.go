// Package mtls names the owner of a client certificate: it writes the subject's distinguished name as Java does and maps it
// by Apache Kafka's ssl.principal.mapping.rules.
package mtls
