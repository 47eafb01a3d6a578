package audit

import (
	"context"
	"time"
)

// merge counts an event that is beyond its client's budget.
func (r *Recorder) merge(ctx context.Context, e Event, at time.Time) error {
	m, err := alike(e, r.run, at)
	if err != nil {
		return err
	}
	who := e.who()
	first, err := r.queue.merge(&who, m, at)
	if err == nil && first != nil {
		r.logLine(ctx, first, nil)
	}
	return err
}

// writeMerged queues what the clients that are beyond their budgets now have merged. Who goes beyond it meanwhile is not waited for.
func (r *Recorder) writeMerged(ctx context.Context) {
	_, clients := r.queue.mergedTotals()
	for range clients {
		written, found := r.queue.writeMerged(r.cfg.Clock())
		if !found {
			return
		}
		for _, m := range written {
			r.logLine(ctx, m, nil)
		}
	}
}

// Merged returns how many events of this run were merged, by kind, and how many clients are beyond their budgets now.
func (r *Recorder) Merged() (counts map[string]uint64, clients int) { return r.queue.mergedTotals() }
