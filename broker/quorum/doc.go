// Package quorum carries the metadata log: hashicorp/raft with its log on bbolt. It applies entries to a Machine and knows
// nothing of what they say. A single node is a cluster of one voter, on the same code path as many.
package quorum
