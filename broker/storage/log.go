package storage

import (
	"fmt"
	"math/rand/v2"
	"path"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Log is one partition's log. Its methods may be called by many goroutines; appends take turns, and readers wait for nobody.
type Log struct {
	d         *Directory
	id        TopicID
	topic     string
	partition int32
	path      string
	done      journal.Done

	start, end, confirmed atomic.Int64
	// segments is replaced as a whole, by rising base; the last one is the active one.
	segments atomic.Pointer[[]*segment]
	// cuts counts truncations, so that a reader knows that what it has read may be gone.
	cuts atomic.Uint64
	hook atomic.Pointer[func(end int64)]

	// flushing is held while files are synced by their names: until then the directory keeps its own. It comes before all
	// other locks.
	flushing sync.Mutex
	// begun is a flush that waits for the volume; whoever takes flushing meanwhile has it begin anew.
	begun *flushing

	compaction compaction

	mu sync.Mutex
	// moves and leaving are those of partition.metadata.
	moves         int64
	leaving       bool
	cfg           LogConfig
	jitter        int64
	epochs        *epochs
	producers     *producers
	verifying     map[int64]verification // by producer id
	recoveryPoint int64
	indexPoint    int64  // the index entries of batches below are durable
	flushedCuts   uint64 // what cuts was when the recovery point was set
	snapshotAt    int64  // offset of the newest producer snapshot; -1 if there is none
	// sinceSnapshot is how many bytes of batches lie behind it.
	sinceSnapshot int64
	// strays are the offsets of the producer snapshots that are not at a segment's base.
	strays []int64
	// unsynced has producer snapshots that the next checkpoint makes durable.
	unsynced []string
	gone     bool // deleted
	closed   bool
	// paused is what a change that has no way back waits for without the lock; nil if none does.
	paused error

	// waiting counts records for flush.messages and flush.ms, waitingSince is when the first one came.
	waiting      int64
	waitingSince time.Time

	// order keeps the log's frames in order where some wait for the segment.
	order journal.Order
	// entries are those of the log's directory, identity is partition.metadata.
	entries, identity *unsynced
}

func newLog(d *Directory, id TopicID, topic string, partition int32, cfg LogConfig) *Log {
	l := &Log{
		d: d, id: id, topic: topic, partition: partition, path: path.Join(d.cfg.Dir, partitionDirName(topic, partition)),
		cfg: cfg, epochs: &epochs{}, producers: newProducers(), verifying: map[int64]verification{}, snapshotAt: -1,
		compaction: compaction{cleaned: noCleaned},
	}
	l.done = l.confirm
	l.entries = newUnsynced(func() error { return vfs.SyncDir(d.cfg.FS, l.path) })
	l.identity = newUnsynced(func() error { return syncTopicID(d.cfg.FS, l.path) })
	l.segments.Store(&[]*segment{})
	l.rollJitter()
	return l
}

// Topic is the topic's name.
func (l *Log) Topic() string { return l.topic }

// TopicID is the topic's id.
func (l *Log) TopicID() TopicID { return l.id }

// Partition is the partition's number.
func (l *Log) Partition() int32 { return l.partition }

// Moves is how often the log has moved between log directories.
func (l *Log) Moves() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moves
}

// StartOffset is the first offset of the log.
func (l *Log) StartOffset() int64 { return l.start.Load() }

// EndOffset is the offset that the next record gets (LEO).
func (l *Log) EndOffset() int64 { return l.end.Load() }

// Confirmed is the first offset that the flush policy has not yet confirmed.
func (l *Log) Confirmed() int64 { return l.confirmed.Load() }

// OnConfirmed sets the one function that is told when Confirmed has risen. The journal's goroutine calls it: it must neither
// block nor call the log's appending methods.
func (l *Log) OnConfirmed(hook func(end int64)) { l.hook.Store(&hook) }

// confirm is told the outcome of an append.
func (l *Log) confirm(end int64, err error) {
	if err != nil {
		return
	}
	l.confirmed.Store(end)
	if hook := l.hook.Load(); hook != nil {
		(*hook)(end)
	}
}

// Config returns the log's configuration.
func (l *Log) Config() LogConfig {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cfg
}

// SetConfig changes the log's configuration, from the next append or retention on.
func (l *Log) SetConfig(cfg LogConfig) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg = cfg
	l.rollJitter()
}

// rollJitter draws the part of segment.ms that the next roll comes earlier. It is below segment.ms, or each append would roll.
func (l *Log) rollJitter() {
	l.jitter = 0
	if most := min(l.cfg.SegmentJitterMs, l.cfg.SegmentMs); most > 0 {
		l.jitter = rand.Int64N(most) //nolint:gosec // no secret
	}
}

// Size is how many bytes the segments hold.
func (l *Log) Size() int64 {
	size := int64(0)
	for _, s := range *l.segments.Load() {
		size += s.size.Load()
	}
	return size
}

func (l *Log) active() *segment {
	segments := *l.segments.Load()
	return segments[len(segments)-1]
}

// find returns the place of the last segment whose base is at most offset; -1 if there is none.
func find(segments []*segment, offset int64) int {
	return sort.Search(len(segments), func(i int) bool { return segments[i].base > offset }) - 1
}

// usable is why the log takes no change, or nil. The caller holds the lock.
func (l *Log) usable() error {
	switch {
	case l.gone:
		return wire.Errorf(wire.UnknownTopicOrPartition, "%s-%d is deleted", l.topic, l.partition)
	case l.closed:
		return wire.Errorf(wire.KafkaStorageError, "%s is closed", l.path)
	}
	if err := l.d.Err(); err != nil {
		return wire.Errorf(wire.KafkaStorageError, "%s is offline: %w", l.d.cfg.Dir, err)
	}
	return l.refusePaused()
}

// frame starts a journal frame of this log. The caller holds the lock.
func (l *Log) frame(kind journal.Type, offset int64) journal.Frame {
	return journal.Frame{Type: kind, TopicID: l.id, Partition: l.partition, BaseOffset: offset, PreviousEnd: l.end.Load(), Order: &l.order}
}

// fail takes the directory offline: what the log holds no longer is what the journal says.
func (l *Log) fail(action string, err error) error {
	err = fmt.Errorf("%s %s: %w", action, l.path, err)
	l.d.fail(err)
	return wire.Errorf(wire.KafkaStorageError, "%w", err)
}

// StartEpoch notes that a leader epoch starts at the end of the log. A leader calls it before its first append, whose commit
// makes it durable.
func (l *Log) StartEpoch(epoch int32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	f := l.frame(journal.EpochStart, l.end.Load())
	f.LeaderEpoch = epoch
	l.epochs.assign(epoch, f.BaseOffset)
	if _, err := l.d.journal.Append(&f, nil, 0); err != nil {
		return l.fail("start an epoch of", err)
	}
	return nil
}

// LatestEpoch is the newest leader epoch; ok is false if there is none.
func (l *Log) LatestEpoch() (epoch int32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epochs.latest()
}

// EpochAt is the leader epoch of an offset; ok is false if none is known.
func (l *Log) EpochAt(offset int64) (epoch int32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epochs.at(offset)
}

// EndOffsetFor is where a leader epoch ends, as OffsetForLeaderEpoch answers it (KIP-101, KIP-279).
func (l *Log) EndOffsetFor(epoch int32) EpochEnd {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epochs.endOffsetFor(epoch, l.end.Load())
}

// FirstUnstable is the first offset of the earliest transaction that is open, or whose marker is not below the high watermark;
// ok is false if there is none. The last stable offset is the smaller one of it and the high watermark.
func (l *Log) FirstUnstable(highWatermark int64) (offset int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	offset, ok = l.producers.firstUnstable(highWatermark)
	return max(offset, l.start.Load()), ok
}

// now is the directory's clock unless the caller has its own.
func (l *Log) now(t time.Time) time.Time {
	if t.IsZero() {
		return l.d.cfg.Clock()
	}
	return t
}
