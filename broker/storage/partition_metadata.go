package storage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const maxMetadataBytes = 4096

// ErrPartitionMetadata is wrapped by the errors about a partition.metadata file that does not say which topic it is of.
var ErrPartitionMetadata = errors.New("malformed partition.metadata")

// The lines of partition.metadata about moves between log directories; docs/formats.md. Apache Kafka reads the first two lines.
const (
	movesKey   = "chronik.moves"
	leavingKey = "chronik.leaving"
)

// identity is what partition.metadata says.
type identity struct {
	id TopicID
	// moves is how often the log has moved between log directories; of two logs of a partition the one with more is newer.
	moves int64
	// leaving says that a copy in another directory may have taken the log's place.
	leaving bool
}

func (i *identity) text() []byte {
	text := []byte("version: 0\ntopic_id: " + base64.RawURLEncoding.EncodeToString(i.id[:]))
	if i.moves > 0 {
		text = fmt.Appendf(text, "\n%s: %d", movesKey, i.moves)
	}
	if i.leaving {
		text = fmt.Appendf(text, "\n%s: true", leavingKey)
	}
	return text
}

// readTopicID reads the topic id of partition.metadata.
func (t texts) readTopicID(dir string) (TopicID, error) {
	i, err := t.readIdentity(dir)
	return i.id, err
}

// readIdentity reads partition.metadata (PartitionMetadataFile of Apache Kafka).
func (t texts) readIdentity(dir string) (i identity, err error) {
	name := path.Join(dir, metadataFile)
	data, err := t.read(name, maxMetadataBytes)
	if err != nil {
		return i, fmt.Errorf("read partition metadata: %w", err)
	}
	fields := map[string]string{movesKey: "0", leavingKey: "false"}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		fields[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	raw, err := base64.RawURLEncoding.DecodeString(fields["topic_id"])
	if err != nil || len(raw) != len(i.id) || fields["version"] != "0" || TopicID(raw) == i.id {
		return i, fmt.Errorf("read %s: %w: version %q, topic id %q", name, ErrPartitionMetadata, fields["version"], fields["topic_id"])
	}
	moves, err := strconv.ParseUint(fields[movesKey], 10, 63)
	if err != nil {
		return i, fmt.Errorf("read %s: %w: %s: %w", name, ErrPartitionMetadata, movesKey, err)
	}
	if l := fields[leavingKey]; l != "true" && l != "false" {
		return i, fmt.Errorf("read %s: %w: %s: %q", name, ErrPartitionMetadata, leavingKey, l)
	}
	return identity{TopicID(raw), int64(moves), fields[leavingKey] == "true"}, nil //nolint:gosec // 63 bits
}

// syncTopicID makes partition.metadata durable.
func syncTopicID(fsys vfs.FS, dir string) error {
	name := path.Join(dir, metadataFile)
	if err := syncFile(fsys, name); err != nil {
		return err
	}
	return syncFile(fsys, name+sumsSuffix)
}

// writeIdentity writes partition.metadata; the next checkpoint makes it durable.
func writeIdentity(fsys vfs.FS, dir string, i identity) (err error) {
	f, err := fsys.Open(path.Join(dir, metadataFile), vfs.Create)
	if err != nil {
		return fmt.Errorf("write partition metadata: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text := i.text()
	if _, err := f.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write partition metadata: %w", err)
	}
	return coverText(fsys, path.Join(dir, metadataFile), text)
}
