package storage

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// MovePace bounds the bytes per second that moves between log directories copy
// (replica.alter.log.dirs.io.max.bytes.per.second). One move at a time keeps to it; Set and the counts are for any goroutine.
type MovePace struct {
	copied, waited atomic.Int64

	mu   sync.Mutex
	pace *pace
	// changed is closed when another pace is set.
	changed chan struct{}
}

// NewMovePace bounds to so many bytes per second. With 0 moves stand still.
func NewMovePace(bytesPerSecond int64) *MovePace {
	return &MovePace{pace: newPace(float64(bytesPerSecond)), changed: make(chan struct{})}
}

// Set changes the pace, of a move that waits too.
func (p *MovePace) Set(bytesPerSecond int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pace.perSecond == float64(bytesPerSecond) {
		return
	}
	p.pace = newPace(float64(bytesPerSecond))
	close(p.changed)
	p.changed = make(chan struct{})
}

// Copied is how many bytes moves have copied.
func (p *MovePace) Copied() int64 { return p.copied.Load() }

// Waited is how long moves have waited for the pace.
func (p *MovePace) Waited() time.Duration { return time.Duration(p.waited.Load()) }

// take returns when bytes are paid for or the context is over. When the pace changes meanwhile, they are paid for at the new one.
func (p *MovePace) take(ctx context.Context, bytes int64) (waited bool, err error) {
	for {
		p.mu.Lock()
		at, changed := p.pace, p.changed
		p.mu.Unlock()
		wait := at.debt(bytes)
		if wait <= 0 {
			return waited, ctx.Err()
		}
		if waited = true; !p.wait(ctx, wait, changed) {
			return waited, ctx.Err()
		}
	}
}

// wait reports whether the pace has changed before the time, or the context, was over.
func (p *MovePace) wait(ctx context.Context, d time.Duration, changed <-chan struct{}) bool {
	began := time.Now()
	defer func() { p.waited.Add(int64(time.Since(began))) }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-changed:
		return true
	}
	return false
}

// debt is owe for a pace that may be none at all, or 0.
func (p *pace) debt(bytes int64) time.Duration {
	switch {
	case p.perSecond >= paceUnbounded:
		return 0
	case p.perSecond == 0:
		return math.MaxInt64
	default:
		return p.owe(bytes)
	}
}
