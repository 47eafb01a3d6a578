// Package journal is the write-ahead log that all partitions of a log directory share: one goroutine gathers the frames that
// are waiting, writes them, syncs once, and confirms them. docs/formats.md has its layout.
//
// Read tells what a crash left; Start prepares the files and begins to write.
package journal
