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

const (
	metaPropertiesFile     = "meta.properties"
	maxMetaPropertiesBytes = 64 << 10
)

// ErrMetaProperties is wrapped by the errors about a meta.properties file that this version cannot read.
var ErrMetaProperties = errors.New("malformed meta.properties")

// MetaProperties says whose log directory it is: meta.properties of Apache Kafka (MetaPropertiesEnsemble), version 1.
type MetaProperties struct {
	ClusterID string
	NodeID    int32
	// DirectoryID is the directory's own 128-bit id (KIP-858); zero means that it has none.
	DirectoryID [16]byte
}

// ReadMetaProperties reads meta.properties of a log directory. fs.ErrNotExist: the directory is not formatted. ErrCorrupt: it is damaged.
func ReadMetaProperties(fsys vfs.FS, dir string) (*MetaProperties, error) {
	name := path.Join(dir, metaPropertiesFile)
	data, err := ignoreUncovered(fsys).read(name, maxMetaPropertiesBytes)
	if err != nil {
		return nil, fmt.Errorf("read meta properties: %w", err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		values[strings.TrimSpace(key)] = strings.ReplaceAll(strings.TrimSpace(value), `\`, "")
	}
	p, err := parseMetaProperties(values)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return p, nil
}

func parseMetaProperties(values map[string]string) (*MetaProperties, error) {
	node := values["node.id"]
	switch values["version"] {
	case "1":
	case "0":
		node = values["broker.id"]
	default:
		return nil, fmt.Errorf("%w: version %q is neither 0 nor 1", ErrMetaProperties, values["version"])
	}
	id, err := strconv.ParseInt(node, 10, 32)
	if err != nil || id < 0 {
		return nil, fmt.Errorf("%w: node id %q", ErrMetaProperties, node)
	}
	p := &MetaProperties{ClusterID: values["cluster.id"], NodeID: int32(id)}
	if p.ClusterID == "" && values["version"] == "1" {
		return nil, fmt.Errorf("%w: no cluster.id", ErrMetaProperties)
	}
	text, ok := values["directory.id"]
	if !ok {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != len(p.DirectoryID) {
		return nil, fmt.Errorf("%w: directory.id %q", ErrMetaProperties, text)
	}
	p.DirectoryID = [16]byte(raw)
	return p, nil
}

// Write makes the directory where it is missing and writes meta.properties, durably.
func (p *MetaProperties) Write(fsys vfs.FS, dir string) error {
	if err := makeDir(fsys, dir); err != nil {
		return fmt.Errorf("write meta properties: %w", err)
	}
	text := fmt.Sprintf("cluster.id=%s\nnode.id=%d\nversion=1\n", p.ClusterID, p.NodeID)
	if p.DirectoryID != ([16]byte{}) {
		text += "directory.id=" + base64.RawURLEncoding.EncodeToString(p.DirectoryID[:]) + "\n"
	}
	if err := replaceText(fsys, path.Join(dir, metaPropertiesFile), []byte(text)); err != nil {
		return fmt.Errorf("write meta properties: %w", err)
	}
	return nil
}
