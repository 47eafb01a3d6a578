package broker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/chronik-stream/chronik/broker/adopt"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// Import takes over what a stopped Apache Kafka has on its disks, into the directories of this broker, which has to be formatted and
// must not run. A dry run opens the metadata log alone.
func Import(ctx context.Context, o Options, r adopt.Request) (report *adopt.Report, err error) {
	for _, dir := range r.From {
		if slices.ContainsFunc(o.LogDirs, func(own string) bool { return samePath(dir, own) }) {
			return nil, fmt.Errorf("import from %s: it is a log directory of this broker", dir)
		}
	}
	b := New(o)
	defer func() {
		if b.quorum != nil {
			err = errors.Join(err, b.quorum.Close())
		}
		for _, d := range b.directories {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := b.openForImport(ctx, r.DryRun); err != nil {
		return nil, err
	}
	for i := range r.From {
		r.From[i] = filepath.ToSlash(r.From[i])
	}
	r.Metadata = filepath.ToSlash(r.Metadata)
	rules := o.Topics(b.store.Image)
	return adopt.Run(ctx, r, adopt.Target{
		NodeID: o.NodeID, Directories: b.directories, Image: b.store.Image, Propose: b.metadata.Propose,
		CheckTopicConfig: rules.ValidateTopicConfigs, OffsetsConfigs: o.OffsetsTopic.Configs, TransactionConfigs: o.TransactionTopic.Configs, Tokens: o.Tokens.Secret != "",
		FS: vfs.OS{}, Hold: vfs.HoldForeign, Clock: o.Clock, Logger: o.Logger,
	})
}

// samePath says whether two names lead to one directory.
func samePath(a, b string) bool { return resolved(a) == resolved(b) }

// resolved is an absolute name without symbolic links, as far as the directory is there.
func resolved(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if absolute, err := filepath.Abs(name); err == nil {
		name = absolute
	}
	return filepath.Clean(name)
}

// openForImport opens the directories, all of which have to be online: a log that is there and not seen would come twice.
func (b *Broker) openForImport(ctx context.Context, dryRun bool) error {
	if dryRun {
		for _, dir := range b.options.LogDirs {
			p, err := storage.ReadMetaProperties(b.options.Files, filepath.ToSlash(dir))
			if err != nil {
				return fmt.Errorf("%w: %w", ErrNotFormatted, err)
			}
			b.clusterID = p.ClusterID
		}
		return b.openMetadata(ctx)
	}
	if err := b.openDirectories(ctx); err != nil {
		return err
	}
	for _, d := range b.directories {
		if err := d.Err(); err != nil {
			return err
		}
	}
	return b.openMetadata(ctx)
}
