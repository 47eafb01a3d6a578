package storage

import (
	"context"
	"sync"
	"time"
)

// pace bounds the bytes per second that all rounds of compaction read and write together (log.cleaner.io.max.bytes.per.second).
// What is taken is paid for afterwards: who takes more than there is waits until it has been earned.
type pace struct {
	perSecond float64
	clock     func() time.Time

	mu sync.Mutex
	// free is when everything that was taken is paid for.
	free time.Time
}

// paceBurst is what may be saved up while nothing is read or written.
const paceBurst = 100 * time.Millisecond

// newPace bounds to so many bytes per second; more than paceUnbounded means without bound.
func newPace(perSecond float64) *pace { return &pace{perSecond: perSecond, clock: time.Now} }

// paceUnbounded is beyond what any disk does.
const paceUnbounded = 1 << 50

// take takes bytes, and returns when they are paid for or the context is over.
func (p *pace) take(ctx context.Context, bytes int64) error {
	if p.perSecond >= paceUnbounded {
		return ctx.Err()
	}
	wait := p.owe(bytes)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// owe notes bytes that are taken, and says how long it takes to earn them.
func (p *pace) owe(bytes int64) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	if earliest := now.Add(-paceBurst); p.free.Before(earliest) {
		p.free = earliest
	}
	p.free = p.free.Add(time.Duration(float64(bytes) / p.perSecond * float64(time.Second)))
	return p.free.Sub(now)
}
