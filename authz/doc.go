// Package authz holds the nouns of authorization: operations, resources, ACL bindings and filters with Apache Kafka's
// numbers and semantics, what a request needs (Needs), and the capability that answers for it (Granted).
// The rules themselves are evaluated by its sub-packages. Zero means unknown, and unknown is denied.
package authz
