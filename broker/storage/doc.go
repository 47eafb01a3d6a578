// Package storage keeps the logs of partitions on disk, byte for byte in Apache Kafka's own layout, and makes them durable
// through the journal that all partitions of a log directory share.
//
// A Directory is one entry of log.dirs: its logs, its journal, its checkpoint files and its lock. A Log is one partition.
// Appends go to the page cache of a segment and to the journal; the journal confirms them in groups; a checkpoint in the
// background makes the segments durable and lets the journal's files be used again. What a crash takes from the segments, the
// journal gives back.
package storage
