package storage

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// Survey is what a log directory of Apache Kafka says of itself, records apart.
type Survey struct {
	Dir        string
	Properties *MetaProperties
	// Clean says that its broker was stopped and not killed.
	Clean bool
	// Partitions are those that a start of Apache Kafka would load, by their names.
	Partitions []Foreign
	// Others are directories of partitions that are no longer, or not yet, part of it: deleted, stray, or on their way from another
	// log directory.
	Others []string
}

// Foreign is a partition's log that Apache Kafka has written, in a directory that nobody uses.
type Foreign struct {
	FS        vfs.FS
	Dir       string
	ID        TopicID
	Topic     string
	Partition int32
	// Start is the first offset as far as the checkpoint knows, 0 where it does not.
	Start int64
	// Clean says that all of it is durable, Flushed that what lies below is.
	Clean   bool
	Flushed int64
}

// ReadSurvey looks at a log directory of Apache Kafka and changes nothing.
func ReadSurvey(fsys vfs.FS, dir string) (*Survey, error) {
	s := &Survey{Dir: dir}
	var err error
	if s.Properties, err = ReadMetaProperties(fsys, dir); err != nil {
		return nil, err
	}
	points, err := ignoreUncovered(fsys).readOffsets(path.Join(dir, recoveryPointFile))
	if errors.Is(err, ErrCheckpoint) { // Apache Kafka then verifies everything
		points, err = offsets{}, nil
	}
	if err != nil {
		return nil, err
	}
	starts, err := ignoreUncovered(fsys).readOffsets(path.Join(dir, logStartFile))
	if err != nil {
		return nil, err
	}
	entries, err := fsys.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list log directory: %w", err)
	}
	s.Clean = slices.ContainsFunc(entries, func(e vfs.Info) bool { return e.Name == cleanShutdownFile })
	for _, e := range entries {
		if !e.Dir || e.Name == metadataPartition || !strings.Contains(e.Name, string(directorySeparator)) || e.Name == remoteIndexCache {
			continue
		}
		topic, partition, named := parsePartitionDir(e.Name)
		id, err := ignoreUncovered(fsys).readTopicID(path.Join(dir, e.Name))
		if !named || isNotExist(err) { // without partition.metadata it is a stray to Apache Kafka as well
			s.Others = append(s.Others, e.Name)
			continue
		}
		if err != nil {
			return nil, err
		}
		s.Partitions = append(s.Partitions, Foreign{
			FS: fsys, Dir: path.Join(dir, e.Name), ID: id, Topic: topic, Partition: partition,
			Start: starts[e.Name], Clean: s.Clean, Flushed: points[e.Name],
		})
	}
	return s, nil
}
