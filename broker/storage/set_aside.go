package storage

import (
	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// SetAside takes a log out of service for good and keeps its files, as Apache Kafka keeps strays: in a directory whose name ends
// in -stray, which is returned. It is for logs that the metadata does not know: whether they are rubbish, or the metadata is
// not theirs, a person has to say.
// UNKNOWN_TOPIC_OR_PARTITION: there is none. KAFKA_STORAGE_ERROR: the disk failed.
func (d *Directory) SetAside(id TopicID, partition int32) (name string, err error) {
	d.mu.RLock()
	l := d.byID[logKey{id, partition}]
	d.mu.RUnlock()
	if l == nil {
		return "", wire.Errorf(wire.UnknownTopicOrPartition, "set log aside: no partition %d of topic id %x", partition, id)
	}
	// What only the journal holds of it would never be replayed there.
	if err := d.Checkpoint(); err != nil {
		return "", wire.Errorf(wire.KafkaStorageError, "set log aside: %w", err)
	}
	defer l.stopCompaction()()
	l.lockFlushing()
	defer l.flushing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return "", err
	}
	f := l.frame(journal.PartitionDeleted, 0)
	name, err = d.takeOut(l, strayDirSuffix)
	if err != nil {
		return "", l.refuse("set aside", err)
	}
	// The name comes before the frame, or replaying the frame would remove the files.
	if err := vfs.SyncDir(d.cfg.FS, d.cfg.Dir); err != nil {
		return "", l.fail("set aside", err)
	}
	if _, err := d.journal.Append(&f, nil, 0); err != nil {
		return "", l.fail("set aside", err)
	}
	return name, nil
}
