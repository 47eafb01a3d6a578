package journal

import (
	"fmt"
	"sort"
	"time"
)

// batch is what one commit takes.
type batch struct {
	frames  []byte
	waiters []waiter
	lastLSN uint64
	sync    bool
}

// write is the goroutine that gathers what waits, writes it once, syncs once, and tells.
func (j *Journal) write() {
	defer j.endWriting()
	var tick <-chan time.Time
	if j.cfg.Policy == FlushInterval {
		ticker := time.NewTicker(j.cfg.Interval)
		defer ticker.Stop()
		tick = ticker.C
	}
	var b batch
	for {
		select {
		case <-j.wake:
		case <-tick:
			j.syncWritten()
			continue
		case <-j.flush:
			j.syncWritten()
			continue
		case <-j.failed:
			j.refuse(&b)
			return
		case <-j.released:
			j.finish(&b)
			return
		}
		j.take(&b)
		if err := j.commit(&b); err != nil {
			j.fail(err)
		}
	}
}

// endWriting lets the keeper end: until here the writer may need a file.
func (j *Journal) endWriting() {
	j.mu.Lock()
	j.idle = true
	j.ready.Broadcast()
	j.mu.Unlock()
	j.ended.Done()
}

// take swaps the pending frames for the buffers of the last commit. What does not fit into one commit stays; more says so.
func (j *Journal) take(b *batch) (more bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(b.waiters)
	b.frames, j.pending = j.pending, b.frames[:0]
	b.waiters, j.waiters = j.waiters, b.waiters[:0]
	b.sync, j.wantSync = j.wantSync || j.cfg.Policy == FlushAcks, false
	if n := b.fitting(min(maxCommitBytes, int(j.cfg.FileBytes-firstFrame))); n < len(b.waiters) {
		more = true
		j.giveBack(b, n)
	}
	if n := len(b.waiters); n > 0 {
		b.lastLSN = b.waiters[n-1].lsn
	}
	j.inflight = int64(len(b.frames))
	j.room.Broadcast()
	return more
}

// fitting is how many of the frames have at most so many bytes together, the first one in any case.
func (b *batch) fitting(limit int) int {
	if len(b.frames) <= limit {
		return len(b.waiters)
	}
	n := sort.Search(len(b.waiters), func(i int) bool { return b.waiters[i].end > limit })
	return max(n, 1)
}

// giveBack leaves the first n frames in a batch and makes the others pending again. The caller holds the lock.
func (j *Journal) giveBack(b *batch, n int) {
	size := b.waiters[n-1].end
	j.pending = append(j.pending, b.frames[size:]...)
	for _, w := range b.waiters[n:] {
		w.end -= size
		j.waiters = append(j.waiters, w)
	}
	clear(b.waiters[n:]) // they would keep their logs in memory
	b.frames, b.waiters = b.frames[:size], b.waiters[:n]
	j.wantSync = b.sync // it may be one of them that waits for the disk
	notify(j.wake)
}

// commit makes a batch durable as the policy says and tells its waiters.
func (j *Journal) commit(b *batch) error {
	if len(b.waiters) == 0 {
		return nil
	}
	err := j.Err()
	if err == nil {
		err = j.put(b)
	}
	if err == nil && b.sync {
		err = j.sync()
	}
	for _, w := range b.waiters {
		if w.done != nil {
			w.done(w.token, err)
		}
	}
	return err
}

// put writes a batch, padded to whole blocks, into the current file or the next one.
func (j *Journal) put(b *batch) error {
	size := (len(b.frames) + blockBytes - 1) / blockBytes * blockBytes
	if j.current.pos+int64(size) > j.current.header.size {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	f := j.current
	seal(b.frames, &f.header, j.synced.Load())
	for pad := size - len(b.frames); pad > 0; {
		n := min(pad, len(zeroBlock))
		b.frames = append(b.frames, zeroBlock[:n]...)
		pad -= n
	}
	if _, err := f.f.WriteAt(b.frames, f.pos); err != nil {
		return fmt.Errorf("write to the journal file %s: %w", f.name, err)
	}
	j.mu.Lock()
	f.pos += int64(size)
	f.lastLSN = b.lastLSN
	j.inflight = 0
	j.ready.Broadcast() // who waits to be admitted
	j.mu.Unlock()
	j.written, j.dirty = b.lastLSN, true
	return nil
}

var zeroBlock [blockBytes]byte

// sync makes the current file durable. A journal that has failed syncs no more: a sync after a failed one tells nothing.
func (j *Journal) sync() error {
	if err := j.Err(); err != nil {
		return err
	}
	if err := j.current.f.Sync(); err != nil {
		return fmt.Errorf("sync the journal file %s: %w", j.current.name, err)
	}
	j.synced.Store(j.written)
	j.dirty = false
	return nil
}

func (j *Journal) syncWritten() {
	if !j.dirty {
		return
	}
	if err := j.sync(); err != nil {
		j.fail(err)
	}
}

// rotate ends the current file, and waits for one that is prepared. Only the current file is ever not synced.
func (j *Journal) rotate() error {
	if j.dirty {
		if err := j.sync(); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.next == nil {
		if j.err != nil {
			return j.err
		}
		j.starving = true
		j.ready.Broadcast()
		j.ready.Wait()
	}
	j.starving = false
	if j.current.lastLSN > j.checkpoint {
		j.live = append(j.live, j.current)
	} else {
		j.spare = append(j.spare, j.current)
	}
	j.current, j.next = j.next, nil
	j.askForCheckpoint()
	j.ready.Broadcast()
	return nil
}

// finish writes what was taken before Close.
func (j *Journal) finish(b *batch) {
	var err error
	for more := true; more && err == nil; {
		more = j.take(b)
		err = j.commit(b)
	}
	if err == nil && j.dirty {
		err = j.sync()
	}
	if err != nil {
		j.fail(err)
		j.refuse(b)
	}
}

// refuse tells all that still wait why the journal failed.
func (j *Journal) refuse(b *batch) {
	err := j.Err()
	for more := true; more; {
		more = j.take(b)
		for _, w := range b.waiters {
			if w.done != nil {
				w.done(w.token, err)
			}
		}
	}
}
