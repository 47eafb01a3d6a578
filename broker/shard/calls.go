package shard

import (
	"context"
	"runtime/debug"
	"sync"

	"github.com/chronik-stream/chronik/broker/coordinator"
)

// maxCalls is how many calls of one machine run at once: enough that one slow partition of a transaction does not hold up the others,
// and a bound for the goroutines of a machine with many.
const maxCalls = 64

// calls runs the calls of one machine. All but the running itself is the runner's goroutine's.
type calls struct {
	ctx context.Context
	do  func(what any) any
	// helpers counts the goroutines, which end with ctx.
	helpers *sync.WaitGroup
	// returned brings the result of one call after the other; ended is to be called for each.
	returned chan coordinator.Returned

	running int
	waiting []coordinator.Call
}

func newCalls(ctx context.Context, do func(any) any, helpers *sync.WaitGroup) *calls {
	return &calls{ctx: ctx, do: do, helpers: helpers, returned: make(chan coordinator.Returned)}
}

// add runs a call as soon as there is room.
func (c *calls) add(call coordinator.Call) {
	c.waiting = append(c.waiting, call)
	c.start()
}

func (c *calls) ended() {
	c.running--
	c.start()
}

func (c *calls) start() {
	for c.running < maxCalls && len(c.waiting) > 0 {
		call := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.running++
		c.helpers.Go(func() {
			select {
			case c.returned <- coordinator.Returned{ID: call.ID, Result: c.do(call.What)}:
			case <-c.ctx.Done():
			}
		})
	}
}

// do carries out a call. A panic is a call without a result, which the machine takes for a failed one.
func (r *runner[Q]) do(ctx context.Context, what any) (result any) {
	defer func() {
		if p := recover(); p != nil {
			r.cfg.Logger.Error("panic in a coordinator's call", "topic", r.cfg.Name, "partition", r.partition, "panic", p, "stack", string(debug.Stack()))
			result = nil
		}
	}()
	return r.cfg.Do(ctx, r.partition, what)
}
