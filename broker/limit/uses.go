package limit

import "time"

// What is remembered of the uses of rights until it is written to the audit log. One takes some 450 bytes.
const (
	// UsesPerSession are those that every connection may remember: more than a usual client has different ones, and, at 10,000
	// connections, less than their buffers take.
	UsesPerSession = 64
	// UsesInPool are those that connections share which have more: some 60 MB. Who finds the pool empty writes his own out early.
	UsesInPool = 128 << 10
	// UsesPerSessionMost are those of one connection, pool included, so that no client takes the pool from all others. A
	// consumer of 30,000 topics stays below it.
	UsesPerSessionMost = 32 << 10
	// UsesPatience is how long a connection waits for an audit log that does not take its uses. It holds up this client alone.
	UsesPatience = 5 * time.Second
)
