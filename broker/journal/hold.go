package journal

import (
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// maxHeldBytes is how much may wait for the sync of its own file: enough for a disk that writes 2 GB/s to stay busy while what
	// was synced is told (BenchmarkSustained), little enough for the page cache.
	maxHeldBytes = 128 << 20
	// DefaultSyncsAtOnce is how many files are synced at a time: file systems commit together what is asked for together.
	DefaultSyncsAtOnce = 16
	// heldFrameBytes is what a held frame costs besides its payload.
	heldFrameBytes = 512
	// referenceWeight is by how much verifying what a reference speaks of is cheaper for a replay than writing it again.
	referenceWeight = 4
)

// Source is a file or a directory that Reference frames rest on.
type Source interface {
	// Sync makes durable what was written before the call. It must neither call the journal nor wait for one who does.
	Sync() error
}

// Order keeps frames in the order in which they were given: those behind a frame that waits for its sources wait too. The zero
// value is ready for use.
type Order struct {
	held atomic.Int64
}

// heldFrame is a frame that waits for its sources, or behind one that does.
type heldFrame struct {
	frame    Frame
	waiter   waiter
	wantSync bool
}

// holds says whether a frame has to wait. The caller holds the lock.
func (f *Frame) holds() bool { return len(f.Sources) > 0 || f.Order != nil && f.Order.held.Load() > 0 }

// weight is what a held frame counts for in maxHeldBytes.
func (f *Frame) weight() int64 { return heldFrameBytes + int64(len(f.Payload)) + f.Referenced }

// size is what the frame takes of a journal file.
func (f *Frame) size() int64 { return frameHeaderBytes + int64(len(f.Payload)) }

// hold takes a frame that has to wait. The caller holds the lock.
func (j *Journal) hold(f *Frame, w waiter, wantSync bool) {
	kept := *f
	kept.Payload = append([]byte(nil), f.Payload...)
	j.held = append(j.held, heldFrame{kept, w, wantSync})
	j.heldBytes += f.weight()
	j.heldFrames += f.size()
	f.Order.held.Add(1)
	j.count(f.Referenced / referenceWeight)
	notify(j.heldWake)
}

// Settle waits until no frame of an order is held back; at once when the journal has failed.
func (j *Journal) Settle(o *Order) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for o.held.Load() > 0 && j.err == nil {
		j.room.Wait()
	}
}

// release is the goroutine that syncs what held frames rest on and passes them on. It ends before the writing one.
func (j *Journal) release() {
	defer close(j.released)
	var batch []heldFrame
	for stopped := false; !stopped; {
		select {
		case <-j.heldWake:
		case <-j.stop:
			stopped = true
		case <-j.failed:
			stopped = true
		}
		j.mu.Lock()
		batch, j.held = j.held, batch[:0]
		j.mu.Unlock()
		j.passOn(batch)
		clear(batch)
	}
}

// passOn makes the sources of frames durable and the frames pending. After a failure it tells their waiters.
func (j *Journal) passOn(batch []heldFrame) {
	if len(batch) == 0 {
		return
	}
	err := j.Err()
	if err == nil {
		err = syncSources(batch, j.cfg.SyncsAtOnce)
		for vfs.NoFiles(err) && j.pause() { // nothing was synced that is not synced anew
			err = syncSources(batch, j.cfg.SyncsAtOnce)
		}
		if err != nil {
			j.fail(err)
		}
	}
	j.mu.Lock()
	for i := range batch {
		h := &batch[i]
		if err = j.err; err == nil {
			j.enqueue(&h.frame, h.waiter, h.wantSync)
			h.waiter.done = nil
		}
		j.heldBytes -= h.frame.weight()
		j.heldFrames -= h.frame.size()
		h.frame.Order.held.Add(-1)
	}
	j.room.Broadcast()
	j.mu.Unlock()
	for _, h := range batch {
		if h.waiter.done != nil {
			h.waiter.done(h.waiter.token, err)
		}
	}
}

// syncSources syncs each source once.
func syncSources(batch []heldFrame, atOnce int) error {
	seen := map[Source]struct{}{}
	var sources []Source
	for i := range batch {
		for _, s := range batch[i].frame.Sources {
			if _, ok := seen[s]; !ok {
				seen[s] = struct{}{}
				sources = append(sources, s)
			}
		}
	}
	return SyncAll(sources, atOnce)
}

// SyncAll syncs several sources, so many at a time, and starts no other sync after an error. It returns the first one; but one after which
// nothing may be tried again comes before those that only lacked something.
func SyncAll[S Source](sources []S, atOnce int) error {
	var next, failed atomic.Int64
	var mu sync.Mutex
	var worst error
	note := func(err error) {
		failed.Store(1)
		mu.Lock()
		defer mu.Unlock()
		if worst == nil || vfs.Lacks(worst) && !vfs.Lacks(err) {
			worst = err
		}
	}
	work := func() {
		for failed.Load() == 0 {
			i := next.Add(1) - 1
			if i >= int64(len(sources)) {
				return
			}
			if err := sources[i].Sync(); err != nil {
				note(err)
			}
		}
	}
	var group sync.WaitGroup
	for range min(len(sources), atOnce) - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
	return worst
}
