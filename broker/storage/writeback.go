package storage

import (
	"slices"
	"sync"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// paceBytes of a segment are given to the disk while it grows: a checkpoint finds little left, and no sync of the journal waits
	// for much more than its own (BenchmarkCheckpointLatency).
	paceBytes = 256 << 10
	// paceShare of what the journal may hold may stand in the segments before the oldest ones are written in smaller pieces, until
	// half of it is left.
	paceShare = 2
	// pageBytes is the unit in which operating systems write.
	pageBytes = 4096
)

// pacer knows which segments have bytes that the disk was not given.
type pacer struct {
	mu    sync.Mutex
	queue []*segment // by the time of their first such byte, or an earlier one
	full  []*segment // those that have paceBytes
	bytes int64
	limit int64
	wake  chan struct{}
}

func newPacer(checkpointBytes int64) *pacer {
	return &pacer{limit: checkpointBytes / paceShare, wake: make(chan struct{}, 1)}
}

// paced is what the pacer knows of a segment: so many bytes were not given, from a position on.
type paced struct {
	bytes, from int64
	queued      bool
}

// wrote notes that so many bytes were added to a segment.
func (p *pacer) wrote(s *segment, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.paced.queued {
		p.queue = append(p.queue, s)
		s.paced.queued = true
	}
	if s.paced.bytes < paceBytes && s.paced.bytes+bytes >= paceBytes {
		p.full = append(p.full, s)
	}
	s.paced.bytes += bytes
	p.bytes += bytes
	if len(p.full) == 0 && p.bytes < p.limit {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// next takes a segment and the part of it that the disk gets, the last page left out while it is not full; nil when little enough
// is left.
func (p *pacer) next() (s *segment, from, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.full) > 0:
		s, p.full[0] = p.full[0], nil
		p.full = p.full[1:]
	case p.bytes > p.limit/2 && len(p.queue) > 0:
		s, p.queue[0] = p.queue[0], nil
		p.queue = p.queue[1:]
		s.paced.queued = false
	default:
		return nil, 0, 0
	}
	p.bytes -= s.paced.bytes
	end := s.size.Load() / pageBytes * pageBytes
	from = min(s.paced.from, end) // a truncation may have moved the end
	s.paced.bytes, s.paced.from = 0, end
	return s, from, end - from
}

// forget takes a segment out that is closed: the queue may not move for long, and would keep it in memory.
func (p *pacer) forget(s *segment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.paced.queued {
		return
	}
	closed := func(other *segment) bool { return other == s }
	p.queue, p.full = slices.DeleteFunc(p.queue, closed), slices.DeleteFunc(p.full, closed)
	p.bytes -= s.paced.bytes
	s.paced = paced{}
}

// pace gives the disk what stands in segments while they grow, so that a checkpoint does not have to wait for all of it.
func (d *Directory) pace() {
	defer d.ended.Done()
	for {
		select {
		case <-d.files.pacer.wake:
		case <-d.journal.Failed():
			return
		case <-d.stop:
			return
		}
		for s, from, size := d.files.pacer.next(); s != nil; s, from, size = d.files.pacer.next() {
			s.f.startWriteback(from, size)
		}
	}
}

// startWriteback is vfs.StartWriteback of a file that is open; a closed one was synced.
func (h *handle) startWriteback(off, size int64) {
	o := h.open.Load()
	if !o.retain() {
		return
	}
	vfs.StartWriteback(o.f, off, size)
	_ = h.release(o) // it was only read; a failed close is told to who writes
}
