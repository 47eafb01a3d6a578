package storage

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// reapInterval is how often files whose delay is over are removed.
const reapInterval = 5 * time.Second

// maintain is the goroutine of the directory: checkpoints, removals, idle producers.
func (d *Directory) maintain() {
	defer d.ended.Done()
	checkpoint := time.NewTicker(d.cfg.CheckpointInterval)
	defer checkpoint.Stop()
	reap := time.NewTicker(reapInterval)
	defer reap.Stop()
	expire := time.NewTicker(d.cfg.ProducerIDExpirationInterval)
	defer expire.Stop()
	full := time.NewTicker(fullInterval)
	defer full.Stop()
	flush := time.NewTicker(d.cfg.FlushCheckInterval)
	defer flush.Stop()
	for {
		select {
		case <-d.journal.CheckpointDue():
			d.tryCheckpoint()
		case <-checkpoint.C:
			d.tryCheckpoint()
		case <-d.crowded:
			d.tryCheckpoint()
		case <-reap.C:
			d.reap(d.cfg.Clock())
			d.files.cache.Expire()
		case <-flush.C:
			d.flushOld(d.cfg.Clock())
		case <-full.C:
			d.regain()
		case <-d.full.wake:
			d.regain()
		case <-expire.C:
			d.expireProducers(d.cfg.Clock())
		case <-d.journal.Failed():
			return
		case <-d.stop:
			return
		}
	}
}

func (d *Directory) tryCheckpoint() {
	if err := d.checkpointUnlessDone(); err != nil {
		d.cfg.Logger.Error("checkpoint failed", "dir", d.cfg.Dir, "error", err)
	}
}

func (d *Directory) checkpointUnlessDone() error {
	if d.journal.LSN() == d.lastCheckpoint() {
		return nil
	}
	return d.Checkpoint()
}

func (d *Directory) lastCheckpoint() uint64 {
	d.checkpointing.Lock()
	defer d.checkpointing.Unlock()
	return d.checkpointed
}

// Checkpoint makes all logs durable in their own files, writes the recovery points, and lets the journal use its files again.
// The directory does so by itself; a failure takes it offline, except that a full disk, or too
// many open files, only have it done again.
func (d *Directory) Checkpoint() error {
	d.checkpointing.Lock()
	defer d.checkpointing.Unlock()
	// What a frame up to here says is in its log's state: the log's lock is held over both.
	d.creating.Lock()
	ends := d.ends()
	through := d.journal.LSN()
	d.creating.Unlock()
	err := d.makeDurable()
	if err == nil {
		err = d.journal.Checkpoint(through)
	}
	if err != nil {
		err = fmt.Errorf("checkpoint of %s: %w", d.cfg.Dir, err)
		if d.lacks(err) {
			d.lacking.checkpoint.Store(true) // what was not made durable is still to do
		} else {
			d.fail(err)
		}
		return err
	}
	d.lacking.checkpoint.Store(false)
	d.checkpointed = through + 1 // the checkpoint's own frame, unless another one came first
	settle(ends)
	d.dropStrays()
	return nil
}

// writeOffsets writes the checkpoint files of the directory.
func (d *Directory) writeOffsets() error {
	logs := d.logs()
	names := map[string]bool{}
	for _, l := range logs {
		names[path.Base(l.path)] = true
	}
	d.mu.Lock()
	maps.Copy(d.named, names) // the files on disk are the old ones or the new ones
	d.mu.Unlock()
	var points, starts []string
	for _, l := range logs {
		l.mu.Lock()
		points = append(points, offsetLine(l.topic, l.partition, l.recoveryPoint))
		if start := l.start.Load(); start > 0 {
			starts = append(starts, offsetLine(l.topic, l.partition, start))
		}
		l.mu.Unlock()
	}
	if err := d.writeCleaned(); err != nil {
		return err
	}
	if err := d.writeIndexPoints(); err != nil {
		return err
	}
	if err := writeCheckpoint(d.cfg.FS, path.Join(d.cfg.Dir, recoveryPointFile), points); err != nil {
		return err
	}
	if err := writeCheckpoint(d.cfg.FS, path.Join(d.cfg.Dir, logStartFile), starts); err != nil {
		return err
	}
	d.mu.Lock()
	d.named = names
	d.mu.Unlock()
	return nil
}

// flushing is what one flush of a log has to sync.
type flushing struct {
	end        int64
	cuts       uint64
	segments   []*segment
	changes    []uint64    // of their data
	writes     [][4]uint64 // to their files
	entries    uint64      // changes of the directory
	identity   uint64      // changes of partition.metadata
	indexes    bool        // of the last one too
	txnDirty   []bool
	sums       []*sums // nil where they are not known
	cutSums    []bool  // what the side-cars tell must not come back
	snapshots  []string
	epochs     []string
	epochDirty bool
}

// Sync makes a log durable in its own files as it is now, and moves its recovery point. Appends go on meanwhile. The directory
// does so by itself.
func (l *Log) Sync() error { return l.syncFrom(nil) }

// syncFrom is Sync that goes on with a flush that was begun, if it can.
func (l *Log) syncFrom(f *flushing) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	if !l.takeBegun(f) {
		l.dropBegun()
		var err error
		if f, err = l.startFlush(); err != nil || f == nil {
			return err
		}
	}
	err := l.syncAll(f)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.unflushed(f)
		return fmt.Errorf("flush %s: %w", l.path, err)
	}
	if l.cuts.Load() == f.cuts {
		l.recoveryPoint, l.flushedCuts = max(l.recoveryPoint, f.end), f.cuts
		f.settleSums()
		if f.indexes {
			l.indexPoint = max(l.indexPoint, f.end)
		}
	}
	return nil
}

// unflushed notes that what a flush was to make durable is still to do. The caller holds the lock.
func (l *Log) unflushed(f *flushing) {
	l.unsynced = append(f.snapshots, l.unsynced...)
	l.epochs.dirty = l.epochs.dirty || f.epochDirty
}

// startFlush writes what is in memory and notes what to sync; nil if the log is gone.
func (l *Log) startFlush() (*flushing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return nil, nil
	}
	if err := l.refusePaused(); err != nil {
		return nil, err
	}
	if l.snapshotDue() {
		if err := l.writeStray(); err != nil {
			return nil, fmt.Errorf("flush %s: %w", l.path, err)
		}
	}
	f := &flushing{
		end: l.end.Load(), cuts: l.cuts.Load(), snapshots: l.unsynced,
		epochDirty: l.epochs.dirty,
	}
	if f.epochDirty {
		l.settle() // the frames that say why are in the journal
		f.epochs = l.epochs.lines()
	}
	l.unsynced, l.epochs.dirty = nil, false
	if f.end == l.recoveryPoint && f.end == l.indexPoint && f.cuts == l.flushedCuts && !l.entries.changed() {
		return f, nil
	}
	segments := *l.segments.Load()
	f.segments = segments[max(find(segments, l.indexPoint-1), 0):] // the one that a truncation has cut, too
	f.indexes = l.indexesDue(l.active())
	for _, s := range f.segments {
		err := s.txns.flush()
		if err == nil && (f.indexes || s != l.active()) {
			err = s.flushIndexes()
		}
		if err != nil {
			l.unflushed(f)
			return nil, fmt.Errorf("flush %s: %w", l.path, err)
		}
		f.txnDirty = append(f.txnDirty, s.txns.unsynced())
		f.changes = append(f.changes, s.data.changes.Load())
	}
	l.noteSums(f)
	return f, nil
}

func (l *Log) syncAll(f *flushing) error {
	for i, s := range f.segments {
		if l.removed(s) { // while the volume was synced: its side-car must not come again
			continue
		}
		err := s.syncTo(f.changes[i], f.indexes || i+1 < len(f.segments))
		if err == nil {
			err = s.flushSums(f.sums[i], f.cutSums[i])
		}
		if f.txnDirty[i] || f.cutSums[i] || f.sums[i] != nil && f.sums[i].complete {
			l.entries.change() // a file was made or replaced, and a reference may have synced the directory before
		}
		if err != nil && !l.removed(s) {
			return err
		}
	}
	for _, name := range f.snapshots {
		if err := syncFile(l.d.cfg.FS, name); err != nil && !isNotExist(err) {
			return err
		}
	}
	if err := l.identity.Sync(); err != nil {
		return err
	}
	if f.epochDirty {
		if err := l.d.syncJournal(); err != nil {
			return err
		}
		if err := writeCheckpoint(l.d.cfg.FS, path.Join(l.path, epochFile), f.epochs); err != nil {
			return err
		}
	}
	return l.entries.Sync()
}

// syncJournal makes durable why a checkpoint file changes before it does: a log start that a crash takes back must find the epochs
// of what is there again. Recovery has synced the journal before it acts on it.
func (d *Directory) syncJournal() error {
	if d.journal == nil {
		return nil
	}
	return d.journal.Sync()
}

// removed says whether a segment is no longer the log's.
func (l *Log) removed(s *segment) bool { return !slices.Contains(*l.segments.Load(), s) }

// removeAfter removes a file or directory when a delay is over.
func (d *Directory) removeAfter(name string, delay time.Duration) {
	d.retiredMu.Lock()
	defer d.retiredMu.Unlock()
	d.retired = append(d.retired, retired{name, d.cfg.Clock().Add(delay)})
}

// reap removes what is due. What cannot be removed is logged and left to the next start.
func (d *Directory) reap(now time.Time) {
	d.retiredMu.Lock()
	var due []retired
	d.retired = slices.DeleteFunc(d.retired, func(r retired) bool {
		if r.at.After(now) {
			return false
		}
		due = append(due, r)
		return true
	})
	d.retiredMu.Unlock()
	if err := d.settleDeletions(due); vfs.Lacks(err) {
		d.retiredMu.Lock()
		d.retired = append(d.retired, due...) // the next time
		d.retiredMu.Unlock()
		return
	} else if err != nil {
		d.fail(fmt.Errorf("make the deletion of partitions of %s durable: %w", d.cfg.Dir, err))
		return
	}
	for _, r := range due {
		if err := d.remove(r.name); err != nil {
			d.cfg.Logger.Warn("a deleted file stays until the next start", "file", r.name, "error", err)
		}
	}
}

// settleDeletions makes durable that partitions are deleted before their files go: a crash must not leave a log, under its old
// name, that has lost what was durable in it.
func (d *Directory) settleDeletions(due []retired) error {
	if !slices.ContainsFunc(due, func(r retired) bool { return strings.HasSuffix(r.name, deleteDirSuffix) }) {
		return nil
	}
	if err := d.syncJournal(); err != nil {
		return err
	}
	return vfs.SyncDir(d.cfg.FS, d.cfg.Dir)
}

func (d *Directory) remove(name string) error {
	info, err := vfs.Stat(d.cfg.FS, name)
	if err == nil && info.Dir {
		err = vfs.RemoveAll(d.cfg.FS, name)
	} else if err == nil {
		err = d.cfg.FS.Remove(name)
	}
	if isNotExist(err) {
		return nil
	}
	return err
}

// expireProducers forgets producers that have been idle for too long: what they send next is taken at any sequence.
func (d *Directory) expireProducers(now time.Time) {
	for _, l := range d.logs() {
		l.mu.Lock()
		after := l.cfg.ProducerIDExpirationMs
		if after == 0 {
			after = d.cfg.ProducerIDExpiration.Milliseconds()
		}
		l.producers.expire(now.UnixMilli(), after)
		l.expireVerifications(now.UnixMilli(), after)
		l.mu.Unlock()
	}
}
