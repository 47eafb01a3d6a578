package adopt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// ErrMetadataLog is wrapped by the errors about a metadata log that can not be read to its end.
var ErrMetadataLog = errors.New("the metadata log of Apache Kafka can not be read")

const (
	metadataDir = "__cluster_metadata-0"
	// maxMetadataBatch caps one batch: Apache Kafka's controller writes 8 MiB at most (KafkaRaftClient.MAX_BATCH_SIZE_BYTES).
	maxMetadataBatch = 64 << 20
	snapshotFooter   = 4
)

// metadataReader reads the directory of a metadata log.
type metadataReader struct {
	fs      vfs.FS
	dir     string
	clean   bool
	cluster *Cluster
	walker  *record.Walker
}

// readMetadataLog reads the newest snapshot and what follows in the log. What a kill has torn off the end is left out.
func readMetadataLog(fsys vfs.FS, dir string, clean bool) (*Cluster, error) {
	r := &metadataReader{fs: fsys, dir: dir, clean: clean, cluster: newCluster(), walker: record.NewWalker()}
	entries, err := fsys.List(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetadataLog, err)
	}
	var snapshots, segments []vfs.Info
	for _, e := range entries {
		if _, ok := snapshotEnd(e.Name); ok {
			snapshots = append(snapshots, e)
		}
		if _, ok := segmentBase(e.Name); ok {
			segments = append(segments, e)
		}
	}
	byName := func(a, b vfs.Info) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(snapshots, byName)
	slices.SortFunc(segments, byName)
	if n := len(snapshots); n > 0 {
		if err := r.snapshot(snapshots[n-1]); err != nil {
			return nil, err
		}
	}
	if err := r.log(segments); err != nil {
		return nil, err
	}
	r.cluster.transaction = nil // what has not ended did not happen
	return r.cluster, nil
}

// snapshotEnd reads the end offset from the name of a snapshot, OFFSET-EPOCH.checkpoint.
func snapshotEnd(name string) (int64, bool) {
	stem, found := strings.CutSuffix(name, ".checkpoint")
	offset, epoch, dashed := strings.Cut(stem, "-")
	if !found || !dashed || len(offset) != 20 || len(epoch) != 10 {
		return 0, false
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	return n, err == nil && n >= 0
}

func segmentBase(name string) (int64, bool) {
	digits, found := strings.CutSuffix(name, ".log")
	if !found || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= 0
}

// snapshot applies a snapshot, which has to be whole.
func (r *metadataReader) snapshot(file vfs.Info) error {
	complete := false
	torn, err := r.each(file, func(b record.Batch) error {
		if complete {
			return errors.New("a batch after the footer")
		}
		return r.walk(b, 0, func(kind int16) { complete = complete || kind == snapshotFooter })
	})
	if err == nil && (torn || !complete) {
		err = errors.New("the snapshot is not whole")
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMetadataLog, path.Join(r.dir, file.Name), err)
	}
	r.cluster.End, _ = snapshotEnd(file.Name)
	return nil
}

// log applies what stands behind the snapshot.
func (r *metadataReader) log(segments []vfs.Info) error {
	for i, file := range segments {
		torn, err := r.each(file, r.batch)
		if err == nil && torn && (r.clean || i+1 < len(segments)) {
			err = errors.New("it does not end with a whole batch")
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrMetadataLog, path.Join(r.dir, file.Name), err)
		}
	}
	return nil
}

func (r *metadataReader) batch(b record.Batch) error {
	end := r.cluster.End
	if b.LastOffset() < end {
		return nil
	}
	if b.BaseOffset() > end {
		return fmt.Errorf("a gap: offset %d follows %d", b.BaseOffset(), end)
	}
	r.cluster.End = b.LastOffset() + 1
	return r.walk(b, end, func(int16) {})
}

// walk applies the records of a batch from an offset on, or tells the types of its control records.
func (r *metadataReader) walk(b record.Batch, from int64, control func(kind int16)) error {
	var failed error
	err := r.walker.Records(b, func(rec record.Record) bool {
		switch {
		case b.Control() && len(rec.Key) >= 4:
			control(int16(binary.BigEndian.Uint16(rec.Key[2:]))) //nolint:gosec // bits
		case !b.Control() && rec.Offset >= from:
			if failed = r.cluster.Apply(rec.Value); failed != nil {
				failed = fmt.Errorf("offset %d: %w", rec.Offset, failed)
			}
		}
		return failed == nil
	})
	return errors.Join(failed, err)
}

// each calls visit for every batch of a file; torn says that something else stands behind the last one.
func (r *metadataReader) each(file vfs.Info, visit func(record.Batch) error) (torn bool, err error) {
	f, err := r.fs.Open(path.Join(r.dir, file.Name), vfs.ReadOnly)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for at := int64(0); at < file.Size; {
		b, err := batchAt(f, at, file.Size)
		if err != nil || b == nil {
			return b == nil, err
		}
		if err := visit(b); err != nil {
			return false, fmt.Errorf("position %d: %w", at, err)
		}
		at += b.Size()
	}
	return false, nil
}

// batchAt reads and verifies a batch; nil where no valid one stands.
func batchAt(f vfs.File, at, end int64) (record.Batch, error) {
	if end-at < record.HeaderSize {
		return nil, nil
	}
	head := make(record.Batch, record.HeaderSize)
	if _, err := f.ReadAt(head, at); err != nil {
		return nil, fmt.Errorf("position %d: %w", at, err)
	}
	size := head.Size()
	if head.Magic() != 2 || size < record.HeaderSize || size > min(end-at, maxMetadataBatch) {
		return nil, nil
	}
	b := make(record.Batch, size)
	if _, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("position %d: %w", at, err)
	}
	if b.ComputeCRC() != b.CRC() || b.LastOffset() < b.BaseOffset() {
		return nil, nil
	}
	return b, nil
}
