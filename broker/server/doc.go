// Package server speaks the Kafka protocol on sockets: it accepts connections, secures them, logs their clients in, and
// takes each request through the closed API table (gate, bounds, authorization, handler) to its answer. What the requests
// mean is not its business: it never sees a topic.
package server
