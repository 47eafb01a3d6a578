package api

import (
	"context"
	"sync/atomic"
	"time"
)

// Idle adds up how long the handlers of one connection have waited for somebody else: that is no time that their requests took.
type Idle struct{ nanos atomic.Int64 }

type idleKey struct{}

// In returns a context for the connection's handlers.
func (i *Idle) In(ctx context.Context) context.Context { return context.WithValue(ctx, idleKey{}, i) }

// Total is the time so far.
func (i *Idle) Total() time.Duration { return time.Duration(i.nanos.Load()) }

// Wait is a wait that has begun.
type Wait struct {
	idle  *Idle
	since time.Time
}

// BeginWait says that the handler of this context waits from now on for a log, a coordinator, or records to come.
func BeginWait(ctx context.Context) Wait {
	idle, counted := ctx.Value(idleKey{}).(*Idle)
	if !counted {
		return Wait{}
	}
	return Wait{idle, time.Now()}
}

// End says that the wait is over.
func (w Wait) End() {
	if w.idle != nil {
		w.idle.nanos.Add(int64(time.Since(w.since)))
	}
}
