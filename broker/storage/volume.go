package storage

import (
	"errors"
	"fmt"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// defaultVolumeLogs is from how many logs on that have something to write a checkpoint syncs the whole volume: each file's own sync costs a
// flush of the disk, and the journal's waits behind it (BenchmarkAppendDurable).
const defaultVolumeLogs = 64

// openVolume opens the directory's volume, before anything is written that a sync of it is to tell of.
func (d *Directory) openVolume() error {
	if d.cfg.FilesOnly {
		return nil
	}
	v, err := vfs.OpenVolume(d.cfg.FS, d.cfg.Dir)
	if errors.Is(err, vfs.ErrNoVolume) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the volume: %w", err)
	}
	d.volume = v
	return nil
}

// closeVolume gives the volume up: from here on files are synced one by one.
func (d *Directory) closeVolume() error {
	v := d.volume
	if v == nil {
		return nil
	}
	d.volume = nil
	return v.Close()
}

// begun is a log, and the flush of it that was begun before the volume was synced, if so.
type begun struct {
	log   *Log
	flush *flushing
}

// Sync implements journal.Source.
func (b begun) Sync() error { return b.log.syncFrom(b.flush) }

// syncLogs makes all logs durable.
func (d *Directory) syncLogs() error {
	logs := d.logs()
	if d.volume == nil || len(logs) < d.cfg.volumeLogs {
		return journal.SyncAll(logs, d.cfg.syncsAtOnce)
	}
	list := make([]begun, len(logs))
	busy := 0
	for i, l := range logs {
		list[i] = begun{log: l}
		if d.volume.Holds(l.path) { // else another volume is mounted there
			list[i].flush = l.beginFlush()
		}
		if f := list[i].flush; f != nil && len(f.segments) > 0 {
			busy++
		}
	}
	if busy >= d.cfg.volumeLogs {
		if err := d.syncVolume(list); err != nil {
			return err
		}
	}
	return journal.SyncAll(list, d.cfg.syncsAtOnce)
}

// syncVolume makes durable what flushes have noted. When that fails each file has to tell whether it is the one: the volume may be
// another's, too.
func (d *Directory) syncVolume(list []begun) error {
	if err := d.volume.Sync(); err != nil {
		d.cfg.Logger.Warn("the volume could not be synced as a whole; files are synced one by one from here on",
			"dir", d.cfg.Dir, "error", errors.Join(err, d.closeVolume()))
		return nil
	}
	for _, b := range list {
		if b.flush == nil {
			continue
		}
		if err := b.flush.cover(b.log); err != nil {
			return fmt.Errorf("flush %s: %w", b.log.path, err)
		}
	}
	return nil
}

// beginFlush begins a flush that goes on when the volume is synced; nil if it can not. Who needs the flushing lock meanwhile has it begin anew.
func (l *Log) beginFlush() *flushing {
	l.lockFlushing()
	defer l.flushing.Unlock()
	f, err := l.startFlush()
	if err != nil || f == nil {
		return nil // the flush that is tried again tells
	}
	for _, s := range f.segments {
		s.files.pacer.given(s)
		f.writes = append(f.writes, [...]uint64{s.f.writes(), s.offsets.f.writes(), s.times.f.writes(), s.txns.f.writes()})
	}
	f.entries, f.identity = l.entries.changes.Load(), l.identity.changes.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = f
	return f
}

// lockFlushing takes the flushing lock. A flush that waits for the volume begins anew.
func (l *Log) lockFlushing() {
	l.flushing.Lock()
	l.dropBegun()
}

// dropBegun has what a flush that was begun would have done be still to do. The caller holds the flushing lock.
func (l *Log) dropBegun() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun != nil {
		l.unflushed(l.begun)
		l.begun = nil
	}
}

// takeBegun takes a flush that was begun; false if it has to begin anew. The caller holds the flushing lock.
func (l *Log) takeBegun(f *flushing) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == nil || l.begun != f {
		return false
	}
	l.begun = nil
	return true
}

// cover notes that the volume was synced after the flush began, whether it goes on or begins anew.
func (f *flushing) cover(l *Log) error {
	var errs []error
	for i, s := range f.segments {
		s.data.cover(f.changes[i])
		errs = append(errs, s.f.cover(f.writes[i][0]))
		for k, x := range [...]*index{s.offsets, s.times, s.txns} {
			errs = append(errs, x.cover(f.writes[i][1+k]))
		}
	}
	l.entries.cover(f.entries)
	l.identity.cover(f.identity)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun == f { // else somebody has taken them over
		f.snapshots = nil
	}
	return errors.Join(errs...)
}

// cover notes that so many first writes to the file are durable by other means than sync.
func (x *index) cover(writes uint64) error {
	err := x.f.cover(writes)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.dirty = x.dirty && x.f.unsynced()
	return err
}
