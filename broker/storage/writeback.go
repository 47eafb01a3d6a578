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
	// paceShare of what the journal may hold may stand in the segments before the oldest ones are written in smaller pieces. They go one
	// by one as more comes, since many at once would keep the journal's sync waiting.
	paceShare = 3
	// pageBytes is the unit in which operating systems write.
	pageBytes = 4096
)

// pacer knows which segments have bytes that the disk was not given.
type pacer struct {
	mu             sync.Mutex
	oldest, newest *segment   // by the time of their first such byte
	full           []*segment // those that have paceBytes
	bytes          int64
	limit          int64
	wake           chan struct{}
}

func newPacer(checkpointBytes int64) *pacer {
	return &pacer{limit: checkpointBytes / paceShare, wake: make(chan struct{}, 1)}
}

// paced is what the pacer knows of a segment: so many bytes were not given, from a position on; and its neighbours while there are any.
type paced struct {
	bytes, from  int64
	older, newer *segment
}

// wrote notes that so many bytes were added to a segment.
func (p *pacer) wrote(s *segment, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.paced.bytes == 0 {
		p.enqueue(s)
	}
	if s.paced.bytes < paceBytes && s.paced.bytes+bytes >= paceBytes {
		p.full = append(p.full, s)
	}
	s.paced.bytes += bytes
	p.bytes += bytes
	if len(p.full) == 0 && p.bytes <= p.limit {
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
		s = p.full[0]
	case p.bytes > p.limit:
		s = p.oldest
	default:
		return nil, 0, 0
	}
	from = s.paced.from
	p.give(s)
	from = min(from, s.paced.from) // a truncation may have moved the end
	return s, from, s.paced.from - from
}

// given notes that the disk gets all of a segment by a sync, or that it is closed.
func (p *pacer) given(s *segment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.paced.bytes > 0 {
		p.give(s)
	}
}

// give takes a segment out, which begins anew with its last page. The caller holds the lock.
func (p *pacer) give(s *segment) {
	if s.paced.bytes >= paceBytes {
		p.full = slices.DeleteFunc(p.full, func(other *segment) bool { return other == s })
	}
	p.bytes -= s.paced.bytes
	p.dequeue(s)
	s.paced = paced{from: s.size.Load() / pageBytes * pageBytes}
}

// enqueue makes a segment the newest one. The caller holds the lock.
func (p *pacer) enqueue(s *segment) {
	s.paced.older = p.newest
	if p.newest != nil {
		p.newest.paced.newer = s
	} else {
		p.oldest = s
	}
	p.newest = s
}

// dequeue takes a segment from between its neighbours. The caller holds the lock.
func (p *pacer) dequeue(s *segment) {
	older, newer := s.paced.older, s.paced.newer
	if older != nil {
		older.paced.newer = newer
	} else {
		p.oldest = newer
	}
	if newer != nil {
		newer.paced.older = older
	} else {
		p.newest = older
	}
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
