package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// takeCleanMarker says whether the last stop was clean and removes the marker (.kafka_cleanshutdown), durably: from here on
// the directory is one that was not closed.
func takeCleanMarker(fsys vfs.FS, dir string) (clean bool, err error) {
	err = fsys.Remove(path.Join(dir, cleanShutdownFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = vfs.SyncDir(fsys, dir)
	}
	if err != nil {
		return false, fmt.Errorf("remove the clean-shutdown marker: %w", err)
	}
	return true, nil
}

// writeCleanMarker is the last write of a clean stop.
func writeCleanMarker(fsys vfs.FS, dir string, brokerEpoch int64) error {
	text := fmt.Appendf(nil, `{"version":0,"brokerEpoch":%d}`, brokerEpoch)
	if err := vfs.ReplaceFile(fsys, path.Join(dir, cleanShutdownFile), text); err != nil {
		return fmt.Errorf("write the clean-shutdown marker: %w", err)
	}
	return nil
}
