// Package shard runs coordinators: for each partition of a coordinator's topic that this broker leads, one goroutine with a pure state
// machine, a clock and a log. It loads the machine from the log before it serves, writes what the machine wants written, and hands out
// the machine's replies.
package shard
