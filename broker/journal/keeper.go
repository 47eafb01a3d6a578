package journal

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// keep is the goroutine that always holds one prepared file ready, so that the writer does not wait for it.
func (j *Journal) keep() {
	defer j.ended.Done()
	for j.waitUntilNeeded() {
		j.trim()
		if j.hasNext() {
			continue
		}
		f, err := j.prepareNext()
		switch {
		case vfs.Lacks(err):
			if j.foundNoSpace() {
				j.cfg.Logger.Warn("no other journal file until a checkpoint gives one back", "dir", j.cfg.Dir, "error", err)
			}
			if !j.pause() {
				j.giveUp(err)
				return
			}
		case err != nil:
			j.fail(err)
			return
		default:
			j.mu.Lock()
			j.next, j.noSpace = f, false
			j.ready.Broadcast()
			j.mu.Unlock()
		}
	}
}

// giveUp ends a journal that is being closed: it fails if what it has taken needs the file that could not be made.
func (j *Journal) giveUp(err error) {
	j.mu.Lock()
	for j.err == nil && !j.idle && !j.starving {
		j.ready.Wait()
	}
	starving := j.starving
	j.mu.Unlock()
	if starving {
		j.fail(err)
	}
}

// waitUntilNeeded waits until a file has to be prepared; false when the journal ends.
func (j *Journal) waitUntilNeeded() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.err == nil && !j.idle && j.next != nil && !j.hasExtra() {
		j.ready.Wait()
	}
	return j.err == nil && !j.idle
}

// hasExtra says whether there are spare files to remove. The caller holds the lock and has a prepared file.
func (j *Journal) hasExtra() bool {
	return len(j.spare) > j.maxSpare() && j.spare[0].lastLSN <= j.next.header.checkpoint
}

// hasNext says whether a file is prepared. Where there is none, nobody but the keeper makes one; one that is there may be taken at
// any time.
func (j *Journal) hasNext() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next != nil
}

// prepareNext prepares a spare file, or a new one.
func (j *Journal) prepareNext() (*file, error) {
	j.mu.Lock()
	var f *file
	if len(j.spare) > 0 {
		f, j.spare = j.spare[0], j.spare[1:]
		j.generation++
	}
	generation, checkpoint := j.generation, j.checkpoint
	j.mu.Unlock()
	if f == nil {
		return j.create()
	}
	err := f.prepare(generation, checkpoint, j.cfg.FileBytes)
	if vfs.NoSpace(err) { // as on a file system that does not write in place
		j.mu.Lock()
		j.spare = append(j.spare, f)
		j.mu.Unlock()
		return nil, err
	}
	if err != nil {
		return nil, errors.Join(err, f.f.Close())
	}
	return f, nil
}

// trim removes spare files beyond those that a burst needs. The header of the prepared file carries the checkpoint that makes
// them superfluous: without a durable one their absence would read as a gap.
func (j *Journal) trim() {
	var extra []*file
	j.mu.Lock()
	for j.next != nil && j.hasExtra() {
		extra, j.spare = append(extra, j.spare[0]), j.spare[1:]
	}
	j.mu.Unlock()
	for _, f := range extra {
		if err := errors.Join(f.f.Close(), j.cfg.FS.Remove(f.name)); err != nil {
			j.fail(fmt.Errorf("remove the journal file %s: %w", f.name, err))
			return
		}
	}
}

// pause waits before the next try on a full disk, or with too many open files; false when the journal ends.
func (j *Journal) pause() bool {
	timer := time.NewTimer(retryCreate)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-j.freed:
		return true
	case <-j.stop:
		return false
	case <-j.failed:
		return false
	}
}
