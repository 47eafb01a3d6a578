// Package fetchsession remembers what incremental fetch requests do not repeat (KIP-227): the partitions of a session, and what
// was last told of each. A session belongs to the principal that opened it.
package fetchsession
