package audit

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// queue is a bounded queue of numbered entries: many put, one takes. Numbers follow the order in the queue without a hole.
type queue struct {
	maxEvents, maxBytes int

	mu sync.Mutex
	// entries starts with what next has given out and delivered has not yet confirmed.
	entries  []queued
	bytes    int
	provoked int
	sequence uint64
	closed   bool
	failing  bool
	recorded uint64
	lost     uint64
	// room is closed, and replaced, when entries leave or the state changes.
	room chan struct{}
	// filled holds a token when there may be something to take.
	filled chan struct{}
}

type queued struct {
	entry    Entry
	provoked bool
}

func newQueue(maxEvents, maxBytes int) *queue {
	return &queue{maxEvents: maxEvents, maxBytes: maxBytes, room: make(chan struct{}), filled: make(chan struct{}, 1)}
}

// put appends the entry that encode makes of its number. It waits for room for as long as patience says.
func (q *queue) put(ctx context.Context, provoked bool, patience time.Duration, encode func(uint64) (Entry, error)) error {
	var timeout <-chan time.Time
	for {
		room, err := q.tryPut(provoked, encode)
		if err != nil || room == nil {
			return err
		}
		if timeout == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-room:
		case <-timeout:
			return q.whyFull()
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", q.whyFull(), ctx.Err())
		}
	}
}

// waitRecorded waits until the entry of a number is in the log. It does not wait for a log that fails.
func (q *queue) waitRecorded(ctx context.Context, number uint64) error {
	for {
		q.mu.Lock()
		done, failing, room := q.recorded >= number, q.failing, q.room
		q.mu.Unlock()
		switch {
		case done:
			return nil
		case failing:
			return ErrLogFails
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (q *queue) whyFull() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failing {
		return ErrLogFails
	}
	return ErrQueueFull
}

// tryPut returns a channel to wait on when there is no room. While the log fails, what anybody can provoke at will has
// to wait too, and everything else is told at once.
func (q *queue) tryPut(provoked bool, encode func(uint64) (Entry, error)) (<-chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if q.failing && !provoked {
		return nil, ErrLogFails
	}
	share := 1
	if provoked {
		share = provokedShare
	}
	full := len(q.entries) >= q.maxEvents || provoked && (q.failing || q.provoked >= q.maxEvents/share)
	if full || q.bytes >= q.maxBytes/share {
		return q.room, nil
	}
	return nil, q.push(provoked, encode)
}

// push numbers and appends an entry; the caller holds the lock.
func (q *queue) push(provoked bool, encode func(uint64) (Entry, error)) error {
	e, err := encode(q.sequence + 1)
	if err != nil {
		return err
	}
	q.sequence++
	q.entries = append(q.entries, queued{entry: e, provoked: provoked})
	q.bytes += len(e.Value)
	if provoked {
		q.provoked++
	}
	q.wake()
	return nil
}

// force appends beyond every bound: for the one event that tells of what had no room.
func (q *queue) force(encode func(uint64) (Entry, error)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.push(false, encode)
}

func (q *queue) wake() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// next waits for entries and returns the first of them, which stay in the queue until delivered. It returns false when the
// queue is closed and empty, or ctx ended.
func (q *queue) next(ctx context.Context) ([]Entry, bool) {
	for {
		batch, closed := q.first()
		if len(batch) > 0 {
			return batch, true
		}
		if closed {
			return nil, false
		}
		select {
		case <-q.filled:
		case <-ctx.Done():
			return nil, false
		}
	}
}

func (q *queue) first() ([]Entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch []Entry
	size := 0
	for i := range q.entries {
		if i == maxBatchEvents || size >= maxBatchBytes {
			break
		}
		batch = append(batch, q.entries[i].entry)
		size += len(q.entries[i].entry.Value)
	}
	return batch, q.closed
}

// delivered removes the first n entries and reports whether the log had been failing.
func (q *queue) delivered(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, gone := range q.entries[:n] {
		q.bytes -= len(gone.entry.Value)
		if gone.provoked {
			q.provoked--
		}
	}
	left := copy(q.entries, q.entries[n:])
	clear(q.entries[left:])
	q.entries = q.entries[:left]
	q.recorded += uint64(n) //nolint:gosec // a count of entries
	was := q.failing
	q.failing = false
	q.stir()
	return was
}

// setFailing notes that the log fails and reports whether that is news. Who waits for room is told.
func (q *queue) setFailing() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := q.failing
	q.failing = true
	q.stir()
	return !was
}

// close lets nothing more in.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.stir()
	q.wake()
}

// stir wakes all who wait for room; the caller holds the lock.
func (q *queue) stir() {
	close(q.room)
	q.room = make(chan struct{})
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.entries)
}

func (q *queue) countLost() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost++
}

func (q *queue) stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Stats{Queued: len(q.entries), Recorded: q.recorded, Lost: q.lost, Failing: q.failing}
}
