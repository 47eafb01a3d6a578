// Package adopt takes over what a stopped Apache Kafka 4 has on its disks: the logs of its partitions, and from its metadata log the
// topics, ACLs, SCRAM users and delegation tokens. It reads the source and never writes to it.
package adopt
