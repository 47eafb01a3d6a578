package quorum

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/raft"
)

const (
	formatFile    = "format"
	formatVersion = 1
	// unfinished is the suffix of a directory that is being made.
	unfinished = ".new"
)

// Errors of Open.
var (
	// ErrNotFormatted means that the directory holds no metadata log.
	ErrNotFormatted = errors.New("the metadata directory is not formatted")
	// ErrFormat means that the directory was written by a newer version, or is not readable.
	ErrFormat = errors.New("the metadata directory has an unknown format")
)

// checkFormat reads the directory's format.
func checkFormat(dir string) error {
	path := filepath.Join(dir, formatFile)
	raw, err := os.ReadFile(path) //nolint:gosec // the directory comes from the configuration
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w: %s", ErrNotFormatted, dir)
	case err != nil:
		return fmt.Errorf("read %s: %w", path, err)
	case string(raw) != strconv.Itoa(formatVersion)+"\n":
		return fmt.Errorf("%w: %s says %q, this broker reads %d", ErrFormat, path, raw, formatVersion)
	}
	return nil
}

// create makes a directory with a log of this node alone. It is made beside its place and then moved there, so that a crash leaves
// all of it or nothing.
func create(cfg Config) error {
	if err := checkFormat(cfg.Dir); err == nil {
		return fmt.Errorf("create the metadata log: %s has one already", cfg.Dir)
	} else if !errors.Is(err, ErrNotFormatted) {
		return err
	}
	making := filepath.Clean(cfg.Dir) + unfinished
	if err := os.RemoveAll(making); err != nil {
		return fmt.Errorf("remove what is left of an interrupted format: %w", err)
	}
	if err := os.MkdirAll(making, 0o700); err != nil {
		return fmt.Errorf("create the metadata log: %w", err)
	}
	if err := bootstrap(cfg, making); err != nil {
		return fmt.Errorf("create the metadata log: %w", err)
	}
	if err := writeSynced(filepath.Join(making, formatFile), []byte(strconv.Itoa(formatVersion)+"\n")); err != nil {
		return fmt.Errorf("create the metadata log: %w", err)
	}
	if err := syncDir(making); err != nil {
		return fmt.Errorf("create the metadata log: %w", err)
	}
	// Only an empty directory may stand in the way.
	if err := os.Remove(cfg.Dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("create the metadata log in %s, which holds something else: %w", cfg.Dir, err)
	}
	if err := os.Rename(making, cfg.Dir); err != nil {
		return fmt.Errorf("create the metadata log: %w", err)
	}
	return syncDir(filepath.Dir(filepath.Clean(cfg.Dir)))
}

// bootstrap writes the first entry of the log: this node is the only voter.
func bootstrap(cfg Config, dir string) error {
	store, err := openStore(dir)
	if err != nil {
		return err
	}
	conf := raftConfig(cfg)
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(dir, keptSnapshots, conf.Logger)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	voters := raft.Configuration{Servers: []raft.Server{{ID: conf.LocalID, Address: addressOf(conf.LocalID)}}}
	err = raft.BootstrapCluster(conf, store, store, snapshots, nil, voters)
	return errors.Join(err, store.Close())
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the directory comes from the configuration
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // the directory comes from the configuration
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
