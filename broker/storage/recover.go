package storage

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/chronik-stream/chronik/broker/journal"
)

// past is what the journal tells of a log before its files are read.
type past struct {
	created, deleted uint64 // LSNs; 0 if there is none
	truncated        int64  // smallest offset; -1 if there is none
	compared         int64  // smallest offset of a batch that the journal holds; -1 if there is none
	cuts             []cut
	durable          durable
}

// cut is a truncation that the journal holds.
type cut struct {
	lsn    uint64
	offset int64
	reset  bool // everything went
}

// takesBack says whether what a frame adds behind an end is taken away again by a later one.
func (p *past) takesBack(lsn uint64, end int64) bool {
	return slices.ContainsFunc(p.cuts, func(c cut) bool { return c.lsn > lsn && (c.reset || c.offset <= end) })
}

// recover loads the logs, replays the journal onto them and makes everything durable.
func (d *Directory) recover(clean bool) (journal.Tail, error) {
	reader, err := journal.Read(d.cfg.FS, d.cfg.Dir)
	if err != nil {
		return journal.Tail{}, err
	}
	replay := &replay{d: d, past: map[logKey]*past{}, unknown: map[string]string{}, made: map[string]bool{}, deleted: map[logKey]bool{}}
	if reader.Pending() {
		clean = false
		if err := reader.Sync(); err != nil {
			return journal.Tail{}, err
		}
		if err := reader.Each(replay.survey); err != nil {
			return journal.Tail{}, err
		}
	}
	if err := d.loadLogs(clean, replay); err != nil {
		return journal.Tail{}, err
	}
	if clean {
		return reader.Tail(), d.trimSnapshots()
	}
	if err := reader.Each(replay.apply); err != nil {
		return journal.Tail{}, err
	}
	if err := replay.finish(); err != nil {
		return journal.Tail{}, err
	}
	if err := d.tidyLogs(); err != nil {
		return journal.Tail{}, err
	}
	d.cfg.Logger.Info("replayed the journal", "dir", d.cfg.Dir, "frames", replay.applied, "skipped", replay.skipped)
	return reader.Tail(), d.makeDurable()
}

// tidyLogs leaves the files as another start would, so that recovering again changes nothing.
func (d *Directory) tidyLogs() error {
	for _, l := range d.logs() {
		if err := l.active().settleTimes(); err != nil {
			return err
		}
		l.epochs.truncateFromStart(l.start.Load()) // the journal may tell of one below the first segment
	}
	return d.trimSnapshots()
}

func (d *Directory) trimSnapshots() error {
	for _, l := range d.logs() {
		if err := l.trimSnapshots(); err != nil {
			return err
		}
	}
	return nil
}

// foundDir is a partition's directory.
type foundDir struct {
	name, topic string
	partition   int32
}

// loadLogs loads all partitions of the directory.
func (d *Directory) loadLogs(clean bool, r *replay) error {
	checkpoints, err := d.readCheckpoints()
	if err != nil {
		return err
	}
	dirs, err := d.listPartitions(r)
	if err != nil {
		return err
	}
	work := make(chan foundDir)
	var mu sync.Mutex
	var errs []error
	var group sync.WaitGroup
	for range d.cfg.RecoveryThreads {
		group.Go(func() {
			for dir := range work {
				if err := d.loadLog(dir, clean, checkpoints, r); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, dir := range dirs {
		work <- dir
	}
	close(work)
	group.Wait()
	return errors.Join(errs...)
}

// listPartitions finds the directories of logs, and what is left of deleted ones.
func (d *Directory) listPartitions(r *replay) ([]foundDir, error) {
	entries, err := d.cfg.FS.List(d.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var dirs []foundDir
	for _, e := range entries {
		switch {
		case !e.Dir || e.Name == metadataPartition || e.Name == remoteIndexCache:
			continue
		case strings.HasSuffix(e.Name, deleteDirSuffix):
			if err := d.findDeleted(e.Name, r); err != nil {
				return nil, err
			}
			continue
		case strings.HasSuffix(e.Name, futureDirSuffix):
			d.cfg.Logger.Warn("a move that did not end is given up", "dir", path.Join(d.cfg.Dir, e.Name))
			d.removeAfter(path.Join(d.cfg.Dir, e.Name), 0)
			continue
		case strings.HasSuffix(e.Name, strayDirSuffix):
			d.cfg.Logger.Warn("a partition that is not served", "dir", path.Join(d.cfg.Dir, e.Name))
			continue
		case !strings.Contains(e.Name, "-"):
			continue // another room's
		}
		topic, partition, ok := parsePartitionDir(e.Name)
		if !ok {
			return nil, fmt.Errorf("directory %s is not named as a topic and a partition", path.Join(d.cfg.Dir, e.Name))
		}
		dirs = append(dirs, foundDir{e.Name, topic, partition})
	}
	return dirs, nil
}

// findDeleted takes note of a deleted partition whose files are still there, in part or all of them.
func (d *Directory) findDeleted(name string, r *replay) error {
	dir := path.Join(d.cfg.Dir, name)
	id, err := d.texts().readTopicID(dir)
	switch {
	case err == nil:
		if partition, ok := parseRetiredDir(name, deleteDirSuffix); ok {
			r.deleted[logKey{id, partition}] = true
		}
	case !isNotExist(err) && !errors.Is(err, ErrPartitionMetadata) && !errors.Is(err, ErrCorrupt):
		return err
	}
	d.removeAfter(dir, d.cfg.DefaultLogConfig.FileDeleteDelay)
	return nil
}

// Remade says whether Open has made a log anew of the journal beside what is left of its deleted directory: a kill can take the end
// of the journal, which said that it is deleted. All that it holds is there as well.
func (d *Directory) Remade(id TopicID, partition int32) bool { return d.remade[logKey{id, partition}] }

func (d *Directory) loadLog(dir foundDir, clean bool, checkpoints checkpoints, r *replay) error {
	full := path.Join(d.cfg.Dir, dir.name)
	self, err := d.texts().readIdentity(full)
	if err != nil && (isNotExist(err) || errors.Is(err, ErrPartitionMetadata) || errors.Is(err, ErrCorrupt)) && !clean {
		// A crash while it was made: the journal says so. Else it is a stray.
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unknown[dir.name] = full
		return nil
	}
	if err != nil {
		return err
	}
	now := d.cfg.Clock()
	in := checkpoints.of(dir.name)
	in.clean, in.now = clean, now
	p := r.past[logKey{self.id, dir.partition}]
	if _, pointed := checkpoints.points[dir.name]; p == nil && !pointed {
		in.silent, in.gaps = true, checkpoints.lost
	}
	if p != nil {
		if p.deleted > p.created {
			return d.retireUnread(dir.name)
		}
		if p.created > 0 {
			in.recoveryPoint, in.start, in.cleaned = 0, 0, noCleaned // the checkpoints speak of an older log of this name
		}
		if in.reset = slices.ContainsFunc(p.cuts, func(c cut) bool { return c.reset }); in.reset {
			in.recoveryPoint = 0 // the files may be of before or of after it, under the same names
		}
		if p.truncated >= 0 {
			in.recoveryPoint, in.start = min(in.recoveryPoint, p.truncated), min(in.start, p.truncated)
			in.cleaned = min(in.cleaned, p.truncated)
		}
		in.durable, in.cut, in.compared = p.durable, p.truncated, p.compared
	}
	in.indexPoint = min(in.indexPoint, in.recoveryPoint)
	l := newLog(d, self.id, dir.topic, dir.partition, d.cfg.DefaultLogConfig)
	l.moves, l.leaving = self.moves, self.leaving
	if err := l.load(in); err != nil {
		return errors.Join(err, l.closeFiles())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.add(l)
	return nil
}

// retireUnread takes the directory of a log out of the way that the journal says is deleted. A part of its files may be gone.
func (d *Directory) retireUnread(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	retired := path.Join(d.cfg.Dir, retiredDirName(name, deleteDirSuffix))
	if err := d.cfg.FS.Rename(path.Join(d.cfg.Dir, name), retired); err != nil {
		return fmt.Errorf("delete log: %w", err)
	}
	d.list.change()
	d.removeAfter(retired, d.cfg.DefaultLogConfig.FileDeleteDelay)
	return nil
}

// makeDurable syncs all logs and writes the checkpoints.
func (d *Directory) makeDurable() error {
	if err := d.syncLogs(); err != nil {
		return err
	}
	if err := d.list.Sync(); err != nil {
		return fmt.Errorf("sync log directory: %w", err)
	}
	return d.writeOffsets()
}
