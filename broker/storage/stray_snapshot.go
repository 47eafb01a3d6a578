package storage

import (
	"fmt"
	"slices"
)

// defaultSnapshotBytes is how much is appended to a log before a checkpoint writes its producers anew. A start reads what was
// appended since the newest snapshot, which without this is up to a segment (1 GiB). It is read in some milliseconds, and a busy
// log writes a small file more for every 4 MiB of records at the most.
const defaultSnapshotBytes = 4 << 20

// snapshotShare bounds what snapshots of many producers cost: a snapshot comes after so many times its size of records.
const snapshotShare = 8

// snapshotDue says whether recovery would have too much to read behind the newest snapshot. During recovery it is not: what is
// written then would differ from what another recovery leaves. The caller holds the lock.
func (l *Log) snapshotDue() bool {
	size := int64(snapshotHeaderBytes + len(l.producers.byID)*snapshotEntryBytes)
	return l.d.journal != nil && l.sinceSnapshot >= l.d.cfg.snapshotBytes+snapshotShare*size
}

// writeStray writes a snapshot at the end of the log, which is not a segment's base: Apache Kafka calls it a stray one and keeps the
// newest. The caller holds the lock.
func (l *Log) writeStray() error {
	end := l.end.Load()
	if err := l.writeSnapshot(end); err != nil {
		if removing := l.removeSnapshot(end); removing != nil {
			return fmt.Errorf("%w (after %s)", removing, err.Error())
		}
		return err
	}
	l.strays = append(l.strays, end)
	return nil
}

// dropStrays removes the stray snapshots that a newer durable one has replaced. It comes after the recovery points are on disk:
// until then a start trusts none above the old one. A start reads the producers as of the index point too, up to where side-cars tell
// of aborted transactions. What can not be removed is of no harm, and goes with the next start.
func (d *Directory) dropStrays() {
	for _, l := range d.logs() {
		l.mu.Lock()
		if err := l.dropStrays(); err != nil {
			d.cfg.Logger.Warn("an old producer snapshot stays until the next start", "dir", l.path, "error", err)
		}
		l.mu.Unlock()
	}
}

func (l *Log) dropStrays() error {
	if l.gone || len(l.strays) == 0 {
		return nil
	}
	newest := int64(-1)
	for _, o := range append([]int64{l.snapshotAt}, l.strays...) {
		if o <= l.indexPoint {
			newest = max(newest, o)
		}
	}
	for _, o := range slices.Clone(l.strays) {
		if o >= newest {
			continue
		}
		if err := l.removeSnapshot(o); err != nil {
			return err
		}
	}
	return nil
}

// notStray takes an offset from the list of stray snapshots.
func (l *Log) notStray(offset int64) {
	l.strays = slices.DeleteFunc(l.strays, func(o int64) bool { return o == offset })
}
