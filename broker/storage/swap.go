package storage

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// finishSwap completes or drops the replacement of segments by compacted ones: .cleaned files were not ready; .swap files
// replace every segment whose base lies within their offsets (LogLoader of Apache Kafka).
func finishSwap(fsys vfs.FS, dir string, files map[string]vfs.Info, remove func(string) error) error {
	lowest := int64(math.MaxInt64)
	for _, name := range withSuffix(files, cleanedSuffix) {
		if base, ok := baseOf(strings.TrimSuffix(name, cleanedSuffix)); ok {
			lowest = min(lowest, base)
		}
		if err := remove(name); err != nil {
			return err
		}
	}
	from, to := int64(math.MaxInt64), int64(-1)
	for _, name := range withSuffix(files, swapSuffix) {
		base, ok := baseOf(strings.TrimSuffix(name, swapSuffix))
		if ok && base >= lowest {
			if err := remove(name); err != nil {
				return err
			}
			continue
		}
		if !strings.HasSuffix(name, logSuffix+swapSuffix) {
			continue
		}
		end, err := endOfFile(fsys, path.Join(dir, name), files[name].Size, base)
		if err != nil {
			return fmt.Errorf("load %s: %w", dir, err)
		}
		from, to = min(from, base), max(to, end)
	}
	swaps := withSuffix(files, swapSuffix)
	if len(swaps) == 0 {
		return nil
	}
	for _, name := range withSuffix(files, "") {
		if base, ok := baseOf(name); ok && base >= from && base < to {
			if err := remove(name); err != nil {
				return err
			}
		}
	}
	for _, name := range swaps {
		final := strings.TrimSuffix(name, swapSuffix)
		if err := fsys.Rename(path.Join(dir, name), path.Join(dir, final)); err != nil {
			return fmt.Errorf("load %s: %w", dir, err)
		}
		info := files[name]
		info.Name = final
		delete(files, name)
		files[final] = info
	}
	return vfs.SyncDir(fsys, dir)
}

func withSuffix(files map[string]vfs.Info, suffix string) []string {
	var names []string
	for name := range files {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// baseOf reads the offset from the name of any file of a segment.
func baseOf(name string) (int64, bool) {
	for _, suffix := range segmentSuffixes {
		if base, ok := parseOffsetName(name, suffix); ok {
			return base, true
		}
	}
	return 0, false
}

// endOfFile is the offset behind the last batch of a segment file.
func endOfFile(fsys vfs.FS, name string, size, base int64) (end int64, err error) {
	f, err := fsys.Open(name, vfs.ReadOnly)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	scan := newScanner(f, 0, size)
	for end = base; ; {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, fmt.Errorf("%s at position %d: %w", name, at, err)
		}
		end = h.last() + 1
	}
}
