package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// queue is a bounded queue of numbered entries: many put, one takes. Numbers follow the order in the queue without a hole.
type queue struct {
	maxEvents, maxBytes int
	// entry makes the entry of an event.
	entry func(e Event, at time.Time, sequence uint64) (Entry, error)

	mu     sync.Mutex
	budget *budget
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

// errOverBudget says that an event is to be merged, since its client has made too many.
var errOverBudget = errors.New("beyond the client's budget")

func newQueue(cfg *Config, entry func(Event, time.Time, uint64) (Entry, error)) *queue {
	return &queue{
		maxEvents: cfg.QueueEvents, maxBytes: cfg.QueueBytes, entry: entry, budget: newBudget(cfg.Budget),
		room: make(chan struct{}), filled: make(chan struct{}, 1),
	}
}

// put appends the event's entry and returns its number. It waits for room for as long as patience says.
func (q *queue) put(ctx context.Context, e Event, at time.Time, patience time.Duration) (number uint64, err error) {
	var timeout <-chan time.Time
	for {
		number, room, err := q.tryPut(e, at)
		if err != nil || room == nil {
			return number, err
		}
		if timeout == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-room:
		case <-timeout:
			return 0, q.whyFull()
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %w", q.whyFull(), ctx.Err())
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
func (q *queue) tryPut(e Event, at time.Time) (number uint64, room <-chan struct{}, err error) {
	provoked, who := e.provoked(), e.who()
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return 0, nil, ErrClosed
	case q.failing && !provoked:
		return 0, nil, ErrLogFails
	case q.failing:
		return 0, q.room, nil
	}
	var from *account
	if who != (subject{}) {
		var within bool
		if from, within = q.budget.take(&who, at); !within {
			return 0, nil, errOverBudget
		}
	}
	if q.full(provoked) {
		return 0, q.room, nil
	}
	size, err := q.push(e, at)
	if err == nil && from != nil {
		q.budget.charge(from, size+recordBytes, at)
	}
	return q.sequence, nil, err
}

// full reports whether there is no room; what anybody can provoke at will has a share of it.
func (q *queue) full(provoked bool) bool {
	share := 1
	if provoked {
		share = provokedShare
	}
	return len(q.entries) >= q.maxEvents || provoked && q.provoked >= q.maxEvents/share || q.bytes >= q.maxBytes/share
}

// push numbers and appends an event, and returns its bytes; the caller holds the lock.
func (q *queue) push(e Event, at time.Time) (size int, err error) {
	entry, err := q.entry(e, at, q.sequence+1)
	if err != nil {
		return 0, err
	}
	q.sequence++
	provoked := e.provoked()
	q.entries = append(q.entries, queued{entry: entry, provoked: provoked})
	q.bytes += len(entry.Value)
	if provoked {
		q.provoked++
	}
	q.wake()
	return len(entry.Key) + len(entry.Value), nil
}

// force appends beyond every bound: for the one event that tells of what had no room.
func (q *queue) force(e Event, at time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := q.push(e, at)
	return err
}

func (q *queue) wake() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// next waits for entries and returns the first of them, which stay in the queue until delivered; none when tick comes first. It returns
// false when the queue is closed and empty, or ctx ended.
func (q *queue) next(ctx context.Context, tick <-chan time.Time) ([]Entry, bool) {
	for {
		select {
		case <-tick:
			return nil, true
		default:
		}
		batch, closed := q.first()
		if len(batch) > 0 {
			return batch, true
		}
		if closed {
			return nil, false
		}
		select {
		case <-q.filled:
		case <-tick:
			return nil, true
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
		size += len(q.entries[i].entry.Value)
		if i == maxBatchEvents || i > 0 && size > maxBatchBytes {
			break
		}
		batch = append(batch, q.entries[i].entry)
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

// close lets nothing more in but what was merged, which it returns.
func (q *queue) close(at time.Time) []*merged {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.stir()
	q.wake()
	var all []*merged
	for {
		written, found := q.pushMerged(at)
		if !found {
			return all
		}
		all = append(all, written...)
	}
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
