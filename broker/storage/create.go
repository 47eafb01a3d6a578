package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Create makes an empty log. It does not wait for the disk, except where the name was in use shortly before: the journal makes
// the log durable no later than its first record.
// TOPIC_ALREADY_EXISTS: the partition has a log, of this or of another topic id. KAFKA_STORAGE_ERROR: the disk failed.
func (d *Directory) Create(id TopicID, topic string, partition int32, cfg LogConfig) (*Log, error) {
	name := partitionDirName(topic, partition)
	if _, _, ok := parsePartitionDir(name); !ok || id == (TopicID{}) || strings.ContainsAny(name, "/\x00") {
		return nil, wire.Errorf(wire.InvalidTopicException, "create log %q with topic id %x", name, id)
	}
	d.creating.Lock()
	defer d.creating.Unlock()
	d.mu.RLock()
	err, named := d.creatable(name), d.named[name]
	d.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	f := journal.Frame{Type: journal.PartitionCreated, TopicID: id, Partition: partition, Payload: []byte(topic)}
	if named {
		// The checkpoint files may tell of an older log of this name. A crash must not leave the new one without the frame
		// that says that it is new.
		if err := d.journal.AppendWait(&f); err != nil {
			return nil, wire.Errorf(wire.KafkaStorageError, "create log: %w", err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.usable(); err != nil {
		return nil, err
	}
	l, err := d.create(id, topic, partition, cfg)
	if err != nil {
		return nil, d.uncreated(name, err)
	}
	if f.LSN == 0 {
		_, err = d.journal.Append(&f, nil, 0)
	}
	if err != nil {
		return nil, l.fail("create", err)
	}
	return l, nil
}

// creatable is why no log of a name can be made. The caller holds the lock.
func (d *Directory) creatable(name string) error {
	if err := d.usable(); err != nil {
		return err
	}
	if d.byName[name] != nil {
		return wire.Errorf(wire.TopicAlreadyExists, "create log: %s is there", path.Join(d.cfg.Dir, name))
	}
	return nil
}

// uncreated takes away what there is of a log that could not be made. A directory whose files can not be written is offline.
func (d *Directory) uncreated(name string, err error) error {
	err = fmt.Errorf("create log %s: %w", path.Join(d.cfg.Dir, name), err)
	switch removing := d.removeNewLog(name); {
	case removing != nil:
		d.fail(fmt.Errorf("%w (after %s)", removing, err.Error()))
	case d.lacks(err), unopened(err):
	default:
		d.fail(err)
	}
	return wire.Errorf(wire.KafkaStorageError, "%w", err)
}

// unopened says whether a call failed since a file could not be opened, as where too many are: nothing was written.
func unopened(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Op == "open"
}

// removeNewLog removes what there may be of a log that was not made to its end, by the files' names: a list of them would need an
// open file.
func (d *Directory) removeNewLog(name string) error {
	dir := path.Join(d.cfg.Dir, name)
	files := []string{metadataFile, metadataFile + sumsSuffix, metadataFile + sumsSuffix + ".tmp"}
	for _, suffix := range segmentSuffixes {
		files = append(files, offsetName(0, suffix))
	}
	for _, file := range files {
		if err := removeIfThere(d.cfg.FS, path.Join(dir, file)); err != nil {
			return err
		}
	}
	return removeIfThere(d.cfg.FS, dir)
}

// create makes the files of an empty log and takes it into the tables. The caller holds the lock.
func (d *Directory) create(id TopicID, topic string, partition int32, cfg LogConfig) (*Log, error) {
	l := newLog(d, id, topic, partition, cfg)
	if err := d.cfg.FS.Mkdir(l.path); err != nil {
		return nil, err
	}
	d.list.change()
	if err := writeIdentity(d.cfg.FS, l.path, identity{id: id}); err != nil {
		return nil, err
	}
	s, err := createSegment(d.files, l.path, 0, d.cfg.Clock())
	if err != nil {
		return nil, err
	}
	l.segments.Store(&[]*segment{s})
	l.identity.change()
	l.entries.change()
	d.add(l)
	return l, nil
}
