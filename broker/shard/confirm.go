package shard

import (
	"context"
	"sync"
)

// confirmation says that everything up to seq is confirmed, or why not.
type confirmation struct {
	seq uint64
	err error
}

// confirmQueue waits for batches in the order in which they were written, so that the machine does not have to.
type confirmQueue struct {
	// confirmed brings what became of the batches, in order; an error is the last of them.
	confirmed chan confirmation
	// wake has something in it when the queue may not be empty.
	wake chan struct{}

	mu      sync.Mutex
	waiting []pending
	err     error
}

type pending struct {
	seq  uint64
	wait func(context.Context) error
}

func newConfirmQueue() *confirmQueue {
	return &confirmQueue{confirmed: make(chan confirmation), wake: make(chan struct{}, 1)}
}

func (q *confirmQueue) add(seq uint64, wait func(context.Context) error) {
	q.mu.Lock()
	q.waiting = append(q.waiting, pending{seq: seq, wait: wait})
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// fail remembers the first failure.
func (q *confirmQueue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
}

func (q *confirmQueue) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

func (q *confirmQueue) take() []pending {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.waiting
	q.waiting = nil
	return list
}

// run waits for one batch after the other until one fails or ctx ends.
func (q *confirmQueue) run(ctx context.Context) {
	for {
		select {
		case <-q.wake:
		case <-ctx.Done():
			return
		}
		for _, p := range q.take() {
			c := confirmation{seq: p.seq, err: p.wait(ctx)}
			if c.err != nil {
				q.fail(c.err)
			}
			select {
			case q.confirmed <- c:
			case <-ctx.Done():
				return
			}
			if c.err != nil {
				return
			}
		}
	}
}
