// Package harness runs the built broker and the real clients (Apache Kafka's tools and Java client, kcat, Python clients) for
// the interoperability tests. A client that is missing fails the test that needs it.
package harness
