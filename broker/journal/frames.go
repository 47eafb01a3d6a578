package journal

import (
	"fmt"
	"path"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// IsFile says whether a file has the name of a journal file.
func IsFile(name string) bool {
	_, ok := number(path.Base(name))
	return ok
}

// Frames hands the frames of one journal file to visit, from the first one for as long as they follow each other, whether a start
// would apply them or not. It is for those who look at a journal; Read is for a start.
func Frames(fsys vfs.FS, name string, visit func(*Frame) error) error {
	data, err := vfs.ReadFile(fsys, name, maxFileBytes)
	if err != nil {
		return fmt.Errorf("read journal file: %w", err)
	}
	header, ok, err := newestHeader(data)
	if err != nil {
		return fmt.Errorf("read journal file %s: %w", name, err)
	}
	if !ok {
		return fmt.Errorf("read journal file %s: %w: it has no valid header", name, ErrCorrupt)
	}
	_, err = walk(data, &header, func(f *Frame, _ uint64) error { return visit(f) })
	return err
}

// String is the name of the type in docs/formats.md.
func (t Type) String() string {
	names := [...]string{
		Append: "append", Truncate: "truncate", LogStart: "log start", EpochStart: "epoch start", PartitionDeleted: "partition deleted",
		Checkpoint: "checkpoint", PartitionCreated: "partition created", Reference: "reference",
	}
	if t == 0 || int(t) >= len(names) {
		return fmt.Sprintf("type %d", uint8(t))
	}
	return names[t]
}
