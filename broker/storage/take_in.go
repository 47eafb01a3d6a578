package storage

import (
	"errors"
	"fmt"
	"path"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// arrival is a copy of a log, whole and durable, in a directory of its own beside the logs.
type arrival struct {
	// log is the log that the copy becomes, dir where the copy is.
	log                 *Log
	dir                 string
	start, end, cleaned int64
}

// disown writes the checkpoint files anew where they speak of an older log with a name that a copy is about to get: a start that
// finds the copy would take what they say for the copy's.
func (d *Directory) disown(name string) error {
	d.mu.RLock()
	named := d.named[name]
	d.mu.RUnlock()
	if !named {
		return nil
	}
	return d.Checkpoint()
}

// takeIn gives a copy its name and takes it into service, durably. The log start is durable before the copy is there, or a crash
// would bring back what was deleted; its frame tells as well where the copy ends, all of which is durable without the journal. No
// checkpoint comes between. The frame of the creation comes behind: its replay would make an empty log where there is none. It ends
// what older frames say of the same partition, which may have been here before.
//
// After an error the copy is where it was, unless the directory is offline: then a start may find either.
func (d *Directory) takeIn(a *arrival) error {
	l := a.log
	if err := d.disown(path.Base(l.path)); err != nil {
		return err
	}
	d.checkpointing.Lock()
	defer d.checkpointing.Unlock()
	d.creating.Lock()
	defer d.creating.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.usable(); err != nil {
		return err
	}
	if d.byName[path.Base(l.path)] != nil {
		return wire.Errorf(wire.TopicAlreadyExists, "%s is there", l.path)
	}
	note := func(f journal.Frame) error {
		f.TopicID, f.Partition, f.PreviousEnd = l.id, l.partition, a.end
		return d.journal.AppendWait(&f)
	}
	if err := note(journal.Frame{Type: journal.LogStart, BaseOffset: a.start}); err != nil {
		return err
	}
	if err := d.cfg.FS.Rename(a.dir, l.path); err != nil {
		return err
	}
	if err := vfs.SyncDir(d.cfg.FS, d.cfg.Dir); err != nil {
		return l.fail("take in", err)
	}
	if err := a.load(); err != nil {
		return errors.Join(err, l.closeFiles(), d.putBack(a))
	}
	if err := note(journal.Frame{Type: journal.PartitionCreated, Payload: []byte(l.topic)}); err != nil {
		return errors.Join(l.fail("take in", err), l.closeFiles())
	}
	d.add(l)
	return nil
}

func (a *arrival) load() error {
	l := a.log
	in := loading{clean: true, compared: -1, recoveryPoint: a.end, start: a.start, cleaned: a.cleaned, now: l.d.cfg.Clock()}
	if err := l.load(in); err != nil {
		return err
	}
	if end := l.EndOffset(); end != a.end {
		return fmt.Errorf("%w: the copy in %s ends at %d and not at %d", ErrCorrupt, l.path, end, a.end)
	}
	return nil
}

// putBack takes the name from a copy again, durably: one that is removed file by file must not be a log's.
func (d *Directory) putBack(a *arrival) error {
	if err := d.cfg.FS.Rename(a.log.path, a.dir); err != nil {
		return err
	}
	if err := vfs.SyncDir(d.cfg.FS, d.cfg.Dir); err != nil {
		return a.log.fail("put back", err)
	}
	return nil
}
