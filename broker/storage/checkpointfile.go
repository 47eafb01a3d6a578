package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// maxCheckpointBytes bounds what is read of a checkpoint file.
const maxCheckpointBytes = 64 << 20

// ErrCheckpoint is wrapped by the errors about a checkpoint file that is not in Kafka's format.
var ErrCheckpoint = errors.New("malformed checkpoint file")

// readCheckpoint returns the lines of a checkpoint file (CheckpointFile of Apache Kafka): version 0, count, entries. A missing
// or empty file has none.
func (t texts) readCheckpoint(name string) ([]string, error) {
	data, err := t.read(name, maxCheckpointBytes)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(data) == 0) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if lines[0] != "0" || len(lines) < 2 {
		return nil, fmt.Errorf("read checkpoint %s: %w: its version is not 0", name, ErrCheckpoint)
	}
	if count, err := strconv.Atoi(lines[1]); err != nil || count != len(lines)-2 {
		return nil, fmt.Errorf("read checkpoint %s: %w: %d entries, and its count says %q", name, ErrCheckpoint, len(lines)-2, lines[1])
	}
	return lines[2:], nil
}

func writeCheckpoint(fsys vfs.FS, name string, lines []string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "0\n%d\n", len(lines))
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	if err := replaceText(fsys, name, b.Bytes()); err != nil {
		return fmt.Errorf("write checkpoint %s: %w", name, err)
	}
	return nil
}

// offsets is a checkpoint of a log directory, by the names of the partition directories.
type offsets map[string]int64

// readOffsets reads a checkpoint of lines of topic, partition and offset (OffsetCheckpointFile); nil where there is none.
func (t texts) readOffsets(name string) (offsets, error) {
	lines, err := t.readCheckpoint(name)
	if err != nil {
		return nil, err
	}
	if lines == nil {
		return nil, nil
	}
	o := offsets{}
	for _, line := range lines {
		f := strings.Split(line, " ")
		if len(f) != 3 {
			return nil, fmt.Errorf("read checkpoint %s: %w: line %q", name, ErrCheckpoint, line)
		}
		partition, err1 := strconv.ParseInt(f[1], 10, 32)
		offset, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("read checkpoint %s: %w: line %q", name, ErrCheckpoint, line)
		}
		o[partitionDirName(f[0], int32(partition))] = offset
	}
	return o, nil
}

func offsetLine(topic string, partition int32, offset int64) string {
	return fmt.Sprintf("%s %d %d", topic, partition, offset)
}

// readEpochs reads leader-epoch-checkpoint (LeaderEpochCheckpointFile).
func (t texts) readEpochs(dir string) (*epochs, error) {
	name := path.Join(dir, epochFile)
	lines, err := t.readCheckpoint(name)
	if err != nil {
		return nil, err
	}
	e := &epochs{}
	for _, line := range lines {
		first, second, _ := strings.Cut(line, " ")
		epoch, err1 := strconv.ParseInt(first, 10, 32)
		start, err2 := strconv.ParseInt(second, 10, 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("read checkpoint %s: %w: line %q", name, ErrCheckpoint, line)
		}
		e.assign(int32(epoch), start)
	}
	e.dirty = false
	return e, nil
}

func (e *epochs) lines() []string {
	lines := make([]string, len(e.entries))
	for i, x := range e.entries {
		lines[i] = fmt.Sprintf("%d %d", x.epoch, x.start)
	}
	return lines
}
