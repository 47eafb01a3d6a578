// Package simulation runs the pure coordinators together with clients, logs that lose what is not synced, and a network that loses and
// delays, in one goroutine with its own time. A seed is a run, and repeats exactly. The tests are all there is.
//
// What is real are broker/txn, broker/group and test/history. The logs are a model of broker/storage, which has crash tests of its own: they
// keep the same promises (a confirmed record survives, what is not confirmed may, from the front) and the same rules for producers and markers.
// Fewer runs have the logs of broker/replica and broker/storage themselves.
package simulation
