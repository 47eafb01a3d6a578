// Package handler answers the Kafka APIs: one file per API, named after it, and the table of their rows. A handler never
// decides who may do what: its row declares what a request needs, and the call carries what was granted.
package handler
