package storage

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
	return d.saveOffsets(indexPointFile, &d.indexPoints, func(l *Log) (int64, bool) {
		return l.indexPoint, l.indexPoint < l.recoveryPoint
	})
}
