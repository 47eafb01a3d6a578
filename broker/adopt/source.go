package adopt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// ErrRunning means that Apache Kafka, or another program, uses a directory of the source.
var ErrRunning = errors.New("the directory is in use: stop its broker first")

// Holder keeps a program of the source's kind from using a directory, by its lock file.
type Holder func(lockFile string) (io.Closer, error)

// source is the log directories of one stopped broker of Apache Kafka.
type source struct {
	surveys []*storage.Survey
	// cluster is nil where there is no metadata log.
	cluster *Cluster
	held    []io.Closer
}

// openSource holds and surveys the directories. The metadata log is looked for in metadata, or, where that is "", in the directories.
func openSource(fsys vfs.FS, hold Holder, dirs []string, metadata string) (s *source, err error) {
	s = &source{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, dir := range dirs {
		if err := s.survey(fsys, hold, dir); err != nil {
			return s, err
		}
	}
	return s, s.readMetadata(fsys, dirs, metadata)
}

func (s *source) survey(fsys vfs.FS, hold Holder, dir string) error {
	held, err := hold(path.Join(dir, ".lock"))
	if errors.Is(err, vfs.ErrLocked) {
		return fmt.Errorf("%s: %w", dir, ErrRunning)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	if err == nil {
		s.held = append(s.held, held)
	}
	survey, err := storage.ReadSurvey(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is no log directory of Apache Kafka: %w", dir, err)
	}
	if err != nil {
		return err
	}
	if len(s.surveys) > 0 {
		first := s.surveys[0]
		if p, q := first.Properties, survey.Properties; p.ClusterID != q.ClusterID || p.NodeID != q.NodeID {
			return fmt.Errorf("%s belongs to node %d of cluster %s, %s to node %d of cluster %s: one node is imported at a time",
				first.Dir, p.NodeID, p.ClusterID, dir, q.NodeID, q.ClusterID)
		}
	}
	s.surveys = append(s.surveys, survey)
	return nil
}

// readMetadata reads the metadata log where there is one.
func (s *source) readMetadata(fsys vfs.FS, dirs []string, metadata string) error {
	candidates := dirs
	if metadata != "" {
		candidates = []string{metadata}
	}
	found := ""
	for _, dir := range candidates {
		name := path.Join(dir, metadataDir)
		switch _, err := fsys.List(name); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("%w: %w", ErrMetadataLog, err)
		case found != "":
			return fmt.Errorf("%w: there are two, %s and %s", ErrMetadataLog, found, name)
		}
		found = name
	}
	if found == "" {
		if metadata != "" {
			return fmt.Errorf("%w: no %s in %s", ErrMetadataLog, metadataDir, metadata)
		}
		return nil
	}
	var err error
	s.cluster, err = readMetadataLog(fsys, found, s.clean())
	return err
}

// clean says that all directories were closed.
func (s *source) clean() bool {
	return !slices.ContainsFunc(s.surveys, func(v *storage.Survey) bool { return !v.Clean })
}

func (s *source) nodeID() int32 { return s.surveys[0].Properties.NodeID }

func (s *source) clusterID() string { return s.surveys[0].Properties.ClusterID }

func (s *source) close() error {
	var errs []error
	for _, h := range s.held {
		errs = append(errs, h.Close())
	}
	s.held = nil
	return errors.Join(errs...)
}
