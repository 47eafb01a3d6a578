package storage

import (
	"path"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// unpointed adds what is known of a log that has no recovery point, and of which the journal says nothing either. The journal has
// every change that was not durable in a log's own files, so all of it was; but what was never confirmed, or was confirmed without
// being durable, may stand behind it. What its side-cars tell of was durable.
//
// Where the recovery points are lost, side-cars may be lost as well: an offset that is missing between valid batches is then taken
// for the work of compaction, here or at the leader, and nothing is cut for it.
func (in *loading) unpointed(l *Log, files map[string]vfs.Info) error {
	if in.clean || !in.silent {
		return nil
	}
	for name := range files {
		base, ok := parseOffsetName(name, sumsSuffix)
		if !ok {
			continue
		}
		r, err := readSums(l.d.cfg.FS, path.Join(l.path, name), base, func(*sums) bool { return false })
		if err != nil {
			return err
		}
		if r.last != nil {
			in.durable.end = max(in.durable.end, r.last.end)
		}
	}
	return nil
}
