package storage

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Counts is what a directory has refused, or could not answer, since the start.
type Counts struct {
	// FailedReads are reads and searches that were answered KAFKA_STORAGE_ERROR.
	FailedReads int64
	// RefusedFull are record batches that were refused because the disk is full, RefusedFiles those because there were too many open
	// files, and RefusedOffline those because the directory is offline or closed.
	RefusedFull, RefusedFiles, RefusedOffline int64
}

// counts are the counters behind Counts.
type counts struct {
	failedReads, full, files, offline atomic.Int64
	// reads is when the log told of a failed read.
	reads seldom
}

// Counts returns the counters as they are.
func (d *Directory) Counts() Counts {
	c := &d.counts
	return Counts{c.failedReads.Load(), c.full.Load(), c.files.Load(), c.offline.Load()}
}

// refusedBatch counts a batch that was not appended, unless that was its own fault.
func (c *counts) refusedBatch(err error) {
	switch {
	case wire.CodeOf(err) != wire.KafkaStorageError:
	case vfs.NoFiles(err):
		c.files.Add(1)
	case vfs.NoSpace(err), errors.Is(err, journal.ErrNoSpace):
		c.full.Add(1)
	default:
		c.offline.Add(1)
	}
}

// failedRead counts a read, and tells of it now and then.
func (d *Directory) failedRead(name string, err error) {
	d.counts.failedReads.Add(1)
	if d.counts.reads.due(d.cfg.Clock()) {
		d.cfg.Logger.Error("a read failed", "log", name, "error", err)
	}
}

// seldomSeconds is how often the log tells of what each request may find so.
const seldomSeconds = 10

// seldom says when something was told of, in seconds since 1970.
type seldom struct{ last atomic.Int64 }

// due says, once in a while, that it is time to tell of it.
func (s *seldom) due(now time.Time) bool {
	seconds, last := now.Unix(), s.last.Load()
	return seconds-last >= seldomSeconds && s.last.CompareAndSwap(last, seconds)
}
