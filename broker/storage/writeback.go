package storage

import (
	"sync"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// paceBytes is how much may stand in segments before the oldest of it is given to the disk, half of it at a time: a checkpoint
	// finds little left, and a page that many small batches fill is seldom written twice.
	paceBytes = 16 << 20
	// pageBytes is the unit in which operating systems write.
	pageBytes = 4096
)

// pacer knows which segments have bytes that the disk was not given.
type pacer struct {
	mu    sync.Mutex
	queue []*segment // by the time of their first such byte
	bytes int64
	wake  chan struct{}
}

// paced is what the pacer knows of a segment: so many bytes were not given, from a position on.
type paced struct {
	bytes, from int64
}

// wrote notes that so many bytes were added to a segment.
func (p *pacer) wrote(s *segment, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.paced.bytes == 0 {
		p.queue = append(p.queue, s)
	}
	s.paced.bytes += bytes
	if p.bytes += bytes; p.bytes < paceBytes {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest segment and the part of it that the disk gets, the last page left out while it is not full; nil when
// little enough is left.
func (p *pacer) next() (s *segment, from, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bytes <= paceBytes/2 || len(p.queue) == 0 {
		return nil, 0, 0
	}
	s, p.queue[0] = p.queue[0], nil
	p.queue = p.queue[1:]
	p.bytes -= s.paced.bytes
	end := s.size.Load() / pageBytes * pageBytes
	from = min(s.paced.from, end) // a truncation may have moved the end
	s.paced = paced{from: end}
	return s, from, end - from
}

// pace gives the disk what stands in segments while they grow, so that a checkpoint does not have to wait for all of it.
func (d *Directory) pace() {
	defer d.ended.Done()
	for {
		select {
		case <-d.pacer.wake:
		case <-d.journal.Failed():
			return
		case <-d.stop:
			return
		}
		for s, from, size := d.pacer.next(); s != nil; s, from, size = d.pacer.next() {
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
