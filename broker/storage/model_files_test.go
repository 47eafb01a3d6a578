package storage

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// checkFiles compares the indexes on disk with the batches of their segment, as DumpLogSegments --index-sanity-check and
// --verify-index-only do. What a recovery leaves has to be without fault, and so has what a clean stop leaves.
func checkFiles(fsys vfs.FS, l *Log) error {
	for _, s := range *l.segments.Load() {
		if err := checkSegmentFiles(fsys, s); err != nil {
			return fmt.Errorf("%s: %w", s.name(logSuffix), err)
		}
	}
	entries, err := fsys.List(l.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if at, ok := parseOffsetName(e.Name, snapshotSuffix); ok && at > l.end.Load() {
			return fmt.Errorf("snapshot %s is above the end %d", e.Name, l.end.Load())
		}
		if strings.HasSuffix(e.Name, ".tmp") {
			return fmt.Errorf("%s is left over", e.Name)
		}
	}
	return nil
}

func checkSegmentFiles(fsys vfs.FS, s *segment) error {
	data, err := vfs.ReadFile(fsys, s.name(logSuffix), 1<<30)
	if err != nil {
		return err
	}
	if int64(len(data)) != s.size.Load() {
		return fmt.Errorf("%d bytes, the segment knows of %d", len(data), s.size.Load())
	}
	byPosition := map[int64]header{}
	byLast := map[int64]int64{} // largest timestamp so far
	largest := int64(-1)
	pos := int64(0)
	for _, raw := range split(data) {
		h, ok := parseHeader(raw)
		if !ok || !h.checkCRC(raw) || h.base < s.base {
			return fmt.Errorf("no valid batch at position %d", pos)
		}
		byPosition[pos] = h
		largest = max(largest, h.maxTimestamp)
		byLast[h.last()] = largest
		pos += h.size
	}
	if pos != int64(len(data)) {
		return fmt.Errorf("a batch is cut short at position %d", pos)
	}
	if err := checkOffsetIndex(fsys, s, byPosition); err != nil {
		return err
	}
	return checkTimeIndex(fsys, s, byLast, largest)
}

func checkOffsetIndex(fsys vfs.FS, s *segment, byPosition map[int64]header) error {
	index, err := vfs.ReadFile(fsys, s.name(offsetSuffix), 1<<30)
	if err != nil || len(index)%offsetEntryBytes != 0 {
		return fmt.Errorf("index of %d bytes: %w", len(index), err)
	}
	last := int64(-1)
	for ; len(index) > 0; index = index[offsetEntryBytes:] {
		relative, position := int64(i32(index)), int64(i32(index[4:]))
		h, ok := byPosition[position]
		if !ok || h.last() != s.base+relative || relative <= last {
			return fmt.Errorf("index entry %d at %d after %d: no such batch", relative, position, last)
		}
		last = relative
	}
	return nil
}

func checkTimeIndex(fsys vfs.FS, s *segment, largestByLast map[int64]int64, largest int64) error {
	index, err := vfs.ReadFile(fsys, s.name(timeSuffix), 1<<30)
	if err != nil || len(index)%timeEntryBytes != 0 {
		return fmt.Errorf("time index of %d bytes: %w", len(index), err)
	}
	last := int64(-1)
	for ; len(index) > 0; index = index[timeEntryBytes:] {
		ts, offset := i64(index), s.base+int64(i32(index[8:]))
		if so, ok := largestByLast[offset]; !ok || so != ts || ts <= last {
			return fmt.Errorf("time index entry %d of offset %d after %d: the largest one up to there is %d", ts, offset, last, so)
		}
		last = ts
	}
	if last != largest {
		return fmt.Errorf("the time index ends at %d, the largest timestamp is %d", last, largest)
	}
	return nil
}

// contents are the files of a directory, without journal and marker.
func contents(t testing.TB, fsys vfs.FS, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := fsys.List(dir)
	must(t, err)
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		switch {
		case strings.HasSuffix(e.Name, deletedSuffix), strings.HasSuffix(e.Name, deleteDirSuffix):
		case e.Dir:
			maps.Copy(all, contents(t, fsys, name))
		case e.Name == lockFile || bytes.HasPrefix([]byte(e.Name), []byte("chronik.journal.")):
		default:
			data, err := vfs.ReadFile(fsys, name, 1<<30)
			must(t, err)
			all[name] = string(data)
		}
	}
	return all
}
