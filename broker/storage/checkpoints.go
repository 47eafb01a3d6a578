package storage

import (
	"errors"
	"maps"
	"math"
	"path"
)

// checkpoints is what the checkpoint files of a directory say at a start.
type checkpoints struct {
	points, indexed, starts, cleaned offsets
	// lost says that there are no recovery points, or damaged ones: after a stop that was not clean all logs are verified from
	// their start.
	lost bool
}

// readCheckpoints reads the checkpoint files. Damage in what only saves work is logged and costs the work; without the log start
// offsets deleted records would come back.
func (d *Directory) readCheckpoints() (c checkpoints, err error) {
	if c.points, c.lost, err = d.readSaving(recoveryPointFile, "verifying all logs from their start, unless the last stop was clean"); err != nil {
		return c, err
	}
	c.lost = c.lost || c.points == nil
	indexesLost := false
	if c.indexed, indexesLost, err = d.readSaving(indexPointFile, "building the indexes of active segments anew"); err != nil {
		return c, err
	}
	if indexesLost {
		c.indexed = offsets{}
		for name := range c.points {
			c.indexed[name] = 0
		}
	}
	if c.starts, err = d.texts().readOffsets(path.Join(d.cfg.Dir, logStartFile)); err != nil {
		return c, err
	}
	if c.cleaned, _, err = d.readSaving(cleanerFile, "compacting all logs from their start"); err != nil {
		return c, err
	}
	d.cleaned = c.cleaned
	if d.cleaned == nil { // there is no file, and none is needed
		d.cleaned = offsets{}
	}
	for _, o := range []offsets{c.points, c.indexed, c.starts, c.cleaned} {
		for name := range o {
			d.named[name] = true
		}
	}
	return c, nil
}

// readSaving reads a checkpoint that saves work. Of a damaged one nothing is believed.
func (d *Directory) readSaving(name, without string) (o offsets, damaged bool, err error) {
	o, err = d.texts().readOffsets(path.Join(d.cfg.Dir, name))
	if errors.Is(err, ErrCheckpoint) || errors.Is(err, ErrCorrupt) {
		d.cfg.Logger.Warn(without, "error", err)
		return offsets{}, true, nil
	}
	return o, false, err
}

// saveOffsets writes a checkpoint file with the offsets of the logs that have one, unless saved, which is what it says, has the same. A
// nil saved is not known. of is called with the log's lock held.
func (d *Directory) saveOffsets(file string, saved *offsets, of func(*Log) (offset int64, ok bool)) error {
	var lines []string
	now := offsets{}
	for _, l := range d.logs() {
		l.mu.Lock()
		if offset, ok := of(l); ok {
			lines = append(lines, offsetLine(l.topic, l.partition, offset))
			now[path.Base(l.path)] = offset
		}
		l.mu.Unlock()
	}
	if *saved != nil && maps.Equal(now, *saved) {
		return nil
	}
	if err := writeCheckpoint(d.cfg.FS, path.Join(d.cfg.Dir, file), lines); err != nil {
		return err
	}
	*saved = now
	return nil
}

// of is what they say of a log.
func (c *checkpoints) of(name string) loading {
	return loading{recoveryPoint: c.points[name], indexPoint: c.indexed.or(name, math.MaxInt64), start: c.starts[name], cleaned: c.cleaned.or(name, noCleaned), compared: -1}
}

// or is the offset of a log, other if there is none.
func (o offsets) or(name string, other int64) int64 {
	if offset, ok := o[name]; ok {
		return offset
	}
	return other
}
