package server

import (
	"container/list"
	"context"
	"sync"
)

// budget bounds the bytes of all requests that are being served. Waiters are served in the order they came.
type budget struct {
	mu      sync.Mutex
	free    int64
	total   int64
	waiting list.List
}

type waiter struct {
	bytes   int64
	granted chan struct{}
}

func newBudget(total int64) *budget { return &budget{free: total, total: total} }

// take waits until n bytes are free. More than the whole budget is granted when nobody else holds any of it.
func (b *budget) take(ctx context.Context, n int64) error {
	b.mu.Lock()
	if b.waiting.Len() == 0 && b.fits(n) {
		b.free -= n
		b.mu.Unlock()
		return nil
	}
	w := &waiter{bytes: n, granted: make(chan struct{})}
	at := b.waiting.PushBack(w)
	b.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.granted:
		b.free += w.bytes
	default:
		b.waiting.Remove(at)
	}
	b.grant()
	return context.Cause(ctx)
}

// overdraw takes n bytes without waiting, so that a request that is being served never waits for another one.
func (b *budget) overdraw(n int64) {
	b.mu.Lock()
	b.free -= n
	b.mu.Unlock()
}

// giveBack returns what was taken.
func (b *budget) giveBack(n int64) {
	b.mu.Lock()
	b.free += n
	b.grant()
	b.mu.Unlock()
}

func (b *budget) fits(n int64) bool { return b.free >= n || b.free == b.total }

func (b *budget) grant() {
	for e := b.waiting.Front(); e != nil; e = b.waiting.Front() {
		w := e.Value.(*waiter)
		if !b.fits(w.bytes) {
			return
		}
		b.free -= w.bytes
		b.waiting.Remove(e)
		close(w.granted)
	}
}
