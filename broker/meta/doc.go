// Package meta is the cluster's metadata: an immutable image of topics, configurations, ACLs, credentials and brokers, and the
// commands that change it. It is pure: a command holds the ids and times that it needs, and applying it to the same image
// gives the same image, delta and result on every node. The log that carries the commands is broker/quorum.
package meta
