package storage

import "path"

// logEnd is up to where a log was confirmed when a checkpoint began.
type logEnd struct {
	log         *Log
	end         int64
	truncations uint64
}

// ends notes up to where the logs are confirmed. The frames of all that is below have their places in the journal; those of what
// comes behind may still wait for theirs.
func (d *Directory) ends() []logEnd {
	logs := d.logs()
	list := make([]logEnd, len(logs))
	for i, l := range logs {
		l.mu.Lock()
		list[i] = logEnd{l, l.confirmed.Load(), l.compaction.truncations}
		l.mu.Unlock()
	}
	return list
}

// settle notes that the journal has given up the frames below these ends, and that the recovery points on disk are no lower: from
// here on what is below may be compacted.
func settle(ends []logEnd) {
	for _, e := range ends {
		e.log.mu.Lock()
		if e.truncations == e.log.compaction.truncations {
			e.log.compaction.settled = min(e.end, e.log.recoveryPoint)
		}
		e.log.mu.Unlock()
	}
}

// writeCleaned writes the first dirty offsets of the logs that have one where they have changed. A checkpoint does so before the
// journal forgets a truncation: a start must not believe in an offset that was cut. The caller holds checkpointing.
func (d *Directory) writeCleaned() error {
	return d.saveOffsets(cleanerFile, &d.cleaned, func(l *Log) (int64, bool) {
		return l.compaction.cleaned, l.compaction.cleaned != noCleaned && !l.gone
	})
}

// saveCleaned writes the first dirty offsets after a round of compaction of a log.
func (d *Directory) saveCleaned(l *Log) error {
	d.checkpointing.Lock()
	defer d.checkpointing.Unlock()
	d.mu.Lock()
	d.named[path.Base(l.path)] = true
	d.mu.Unlock()
	if err := d.writeCleaned(); err != nil {
		if !d.lacks(err) { // else the next round begins further back than it needs to
			d.fail(err)
		}
		return err
	}
	return nil
}
