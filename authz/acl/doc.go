// Package acl decides by ACLs, with the semantics of Apache Kafka's StandardAuthorizer: super users first, a matching
// DENY beats every ALLOW, and what no rule allows is denied. Decisions read one immutable index: no lock, no allocation,
// and a cost that does not depend on how many ACLs there are.
package acl
