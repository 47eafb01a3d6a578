package storage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const maxMetadataBytes = 4096

// ErrPartitionMetadata is wrapped by the errors about a partition.metadata file that does not say which topic it is of.
var ErrPartitionMetadata = errors.New("malformed partition.metadata")

// readTopicID reads partition.metadata (PartitionMetadataFile of Apache Kafka).
func (t texts) readTopicID(dir string) (id TopicID, err error) {
	name := path.Join(dir, metadataFile)
	data, err := t.read(name, maxMetadataBytes)
	if err != nil {
		return id, fmt.Errorf("read partition metadata: %w", err)
	}
	version, text := "", ""
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "version":
			version = strings.TrimSpace(value)
		case "topic_id":
			text = strings.TrimSpace(value)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != len(id) || version != "0" || TopicID(raw) == id {
		return id, fmt.Errorf("read %s: %w: version %q, topic id %q", name, ErrPartitionMetadata, version, text)
	}
	return TopicID(raw), nil
}

// syncTopicID makes partition.metadata durable.
func syncTopicID(fsys vfs.FS, dir string) error {
	name := path.Join(dir, metadataFile)
	if err := syncFile(fsys, name); err != nil {
		return err
	}
	return syncFile(fsys, name+sumsSuffix)
}

// writeTopicID writes partition.metadata; the next checkpoint makes it durable.
func writeTopicID(fsys vfs.FS, dir string, id TopicID) (err error) {
	f, err := fsys.Open(path.Join(dir, metadataFile), vfs.Create)
	if err != nil {
		return fmt.Errorf("write partition metadata: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text := []byte("version: 0\ntopic_id: " + base64.RawURLEncoding.EncodeToString(id[:]))
	if _, err := f.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write partition metadata: %w", err)
	}
	return coverText(fsys, path.Join(dir, metadataFile), text)
}
