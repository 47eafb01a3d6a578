package storage

import (
	"slices"
	"sort"
)

// epochStart says at which offset a leader epoch starts.
type epochStart struct {
	epoch int32
	start int64
}

// epochs is the leader epoch cache of a log (LeaderEpochFileCache), rising in both fields. It belongs to the log's lock.
type epochs struct {
	entries []epochStart
	// dirty says that the checkpoint file is older.
	dirty bool
}

// assign notes that an epoch starts at an offset.
func (e *epochs) assign(epoch int32, start int64) {
	if epoch < 0 {
		return
	}
	if n := len(e.entries); n > 0 && e.entries[n-1].epoch == epoch && start >= e.entries[n-1].start {
		return
	}
	for n := len(e.entries); n > 0 && (e.entries[n-1].epoch >= epoch || e.entries[n-1].start >= start); n-- {
		e.entries = e.entries[:n-1]
	}
	e.entries = append(e.entries, epochStart{epoch, start})
	e.dirty = true
}

// restore notes an epoch's start that the journal tells of, in a cache that may know later ones from batches on disk.
func (e *epochs) restore(epoch int32, start int64) {
	i := sort.Search(len(e.entries), func(i int) bool { return e.entries[i].epoch >= epoch })
	switch {
	case i == len(e.entries):
		e.assign(epoch, start)
	case e.entries[i].epoch > epoch && e.entries[i].start > start && (i == 0 || e.entries[i-1].start < start):
		e.entries = slices.Insert(e.entries, i, epochStart{epoch, start})
		e.dirty = true
	}
}

// latest is the newest epoch.
func (e *epochs) latest() (epoch int32, ok bool) {
	if len(e.entries) == 0 {
		return -1, false
	}
	return e.entries[len(e.entries)-1].epoch, true
}

// at is the epoch that an offset belongs to.
func (e *epochs) at(offset int64) (epoch int32, ok bool) {
	i := sort.Search(len(e.entries), func(i int) bool { return e.entries[i].start > offset })
	if i == 0 {
		return -1, false
	}
	return e.entries[i-1].epoch, true
}

// truncateFromEnd drops the epochs that start at an offset or behind it.
func (e *epochs) truncateFromEnd(offset int64) {
	for n := len(e.entries); n > 0 && e.entries[n-1].start >= offset; n-- {
		e.entries = e.entries[:n-1]
		e.dirty = true
	}
}

// truncateFromStart lets the cache begin at an offset.
func (e *epochs) truncateFromStart(offset int64) {
	i := sort.Search(len(e.entries), func(i int) bool { return e.entries[i].start > offset })
	if i == 0 || (i == 1 && e.entries[0].start == offset) {
		return
	}
	e.entries = slices.Delete(e.entries, 0, i-1)
	e.entries[0].start = offset
	e.dirty = true
}

// endOffsetFor answers where an epoch ends, in a log that ends at logEnd.
func (e *epochs) endOffsetFor(epoch int32, logEnd int64) EpochEnd {
	n := len(e.entries)
	switch {
	case epoch < 0 || n == 0 || epoch > e.entries[n-1].epoch:
		return EpochEnd{-1, -1}
	case epoch == e.entries[n-1].epoch:
		return EpochEnd{epoch, logEnd}
	case epoch < e.entries[0].epoch:
		return EpochEnd{epoch, e.entries[0].start}
	}
	i := sort.Search(n, func(i int) bool { return e.entries[i].epoch > epoch })
	return EpochEnd{e.entries[i-1].epoch, e.entries[i].start}
}
