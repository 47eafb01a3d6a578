// Package quota measures what clients take and says how long they have to be held back, as Apache Kafka does (KIP-13, KIP-124, KIP-599,
// KIP-612). It holds nobody back itself: handlers and the server ask, and the server lets the connection wait.
package quota
