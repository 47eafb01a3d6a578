package storage

import (
	"path"
	"slices"
)

// indexSyncBytes is how far the .log of the active segment grows before a checkpoint makes its indexes durable too: two syncs less
// for each log and checkpoint, against as much that recovery reads again.
const indexSyncBytes = 1 << 20

// indexesDue says whether a flush takes the indexes of the active segment along: those of a log that grows no more in any case.
// The caller holds the lock.
func (l *Log) indexesDue(s *segment) bool {
	return l.closed || s.sideCar.cut || l.end.Load() == l.recoveryPoint ||
		s.size.Load()-s.indexed >= indexSyncBytes || s.offsets.unsynced() || s.times.unsynced()
}

// writeIndexPoints writes the index points that are below their logs' recovery points, before these: the entries of batches below
// are durable, while those from there on are built anew. A log that has no line has one up to its recovery point. The caller holds
// checkpointing.
func (d *Directory) writeIndexPoints() error {
	lines := []string{}
	for _, l := range d.logs() {
		l.mu.Lock()
		if l.indexPoint < l.recoveryPoint {
			lines = append(lines, offsetLine(l.topic, l.partition, l.indexPoint))
		}
		l.mu.Unlock()
	}
	if d.indexPoints != nil && slices.Equal(lines, d.indexPoints) {
		return nil
	}
	if err := writeCheckpoint(d.cfg.FS, path.Join(d.cfg.Dir, indexPointFile), lines); err != nil {
		return err
	}
	d.indexPoints = lines
	return nil
}
