// Package embedded has what consumers and their leader tell each other inside the classic protocol: the metadata of a JoinGroup and
// the assignment of a SyncGroup (Apache Kafka's ConsumerProtocolSubscription and ConsumerProtocolAssignment, versions 0 to 3). A
// coordinator reads it where classic members and those of the consumer protocol share a group (KIP-848).
//
// Newer versions begin with what version 3 has, so they are read as that. Bytes after the message are not looked at. No length is
// believed beyond what is there.
package embedded
