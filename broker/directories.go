package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// openDirectories checks whose the log directories are, locks and recovers them. One that can not be opened is offline from the
// start, as long as another one is online: its partitions are not served, and not made anew elsewhere. A directory of another
// node, or one in use, ends the start: that is a mistake of who started it, and not of a disk.
func (b *Broker) openDirectories(context.Context) error {
	owner := owner{nodeID: b.options.NodeID}
	var failures []error
	for _, dir := range b.options.LogDirs {
		cfg := b.directoryConfig(dir)
		d, err := owner.open(cfg)
		switch {
		case errors.Is(err, ErrOtherNode), errors.Is(err, vfs.ErrLocked):
			return err
		case err != nil:
			b.logger.Error("a log directory can not be opened; its partitions are not served", "directory", dir, "error", err)
			failures = append(failures, err)
			d = storage.Unopened(cfg, err)
		}
		b.directories = append(b.directories, d)
	}
	b.clusterID = owner.clusterID
	if b.online() == 0 {
		return errors.Join(failures...)
	}
	return nil
}

func (b *Broker) directoryConfig(dir string) storage.Config {
	return storage.Config{
		FS: b.options.Files, Dir: filepath.ToSlash(dir), FlushPolicy: b.options.FlushPolicy, FlushInterval: b.options.FlushInterval,
		CheckpointBytes: b.options.JournalBytes, FilesOnly: b.options.SyncFiles, CheckpointInterval: b.options.CheckpointInterval, FlushCheckInterval: b.options.FlushCheckInterval, ProducerIDExpiration: b.options.ProducerIDExpiration,
		ProducerIDExpirationInterval: b.options.ProducerIDExpirationInterval,
		RecoveryThreads:              b.options.RecoveryThreads,
		Cache:                        b.cache,
		Cordoned:                     slices.Contains(b.options.CordonedDirs, dir),
		ReserveBytes:                 storage.DefaultReserveBytes, JournalFileBytes: journalFileBytes(b.options.JournalBytes),
		Clock: b.options.Clock, Logger: b.logger,
	}
}

// minJournalFileBytes holds a batch of Apache Kafka's default size, and leaves room for more.
const minJournalFileBytes = 4 << 20

// journalFileBytes is half of what a journal may hold, so that one file can be used again while the other one fills.
func journalFileBytes(journalBytes int64) int64 {
	return min(max(journalBytes/2, minJournalFileBytes), journal.DefaultFileBytes) &^ 4095
}

// owner is whose the directories have to be: of this node, and all of one cluster.
type owner struct {
	nodeID    int32
	clusterID string
}

func (o *owner) open(cfg storage.Config) (*storage.Directory, error) {
	p, err := storage.ReadMetaProperties(cfg.FS, cfg.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrNotFormatted, cfg.Dir)
	case err != nil:
		return nil, err
	case p.NodeID != o.nodeID:
		return nil, fmt.Errorf("%w: %s is node %d's, this is node %d", ErrOtherNode, cfg.Dir, p.NodeID, o.nodeID)
	case o.clusterID != "" && p.ClusterID != o.clusterID:
		return nil, fmt.Errorf("%w: %s is of cluster %s, the others of %s", ErrOtherNode, cfg.Dir, p.ClusterID, o.clusterID)
	}
	o.clusterID = p.ClusterID
	return storage.Open(cfg)
}

// metadataHeadroom is what has to be free on the volume of the metadata log before an entry is proposed, in bytes: an entry that
// can not be written there may end the process.
const metadataHeadroom = 2 << 20

// metadataRoom says, with an error, that the volume of the metadata log is full. The log directories on it let their reserves go
// first.
func (b *Broker) metadataRoom() error {
	left := func() (int64, error) {
		space, err := vfs.SpaceOf(b.options.Files, filepath.ToSlash(b.options.MetadataDir))
		return space.Usable, err
	}
	if usable, err := left(); err != nil || usable >= metadataHeadroom {
		return nil
	}
	for _, d := range b.directories {
		d.Relieve(metadataHeadroom)
	}
	if usable, err := left(); err == nil && usable < metadataHeadroom {
		return wire.Errorf(wire.KafkaStorageError, "the volume of the metadata log has %d bytes left", usable)
	}
	return nil
}
