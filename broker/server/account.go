package server

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// account is what one connection has of a budget, so that all of it comes back however the connection ends.
type account struct {
	budget *budget
	gauge  prometheus.Gauge
	held   atomic.Int64
}

// take waits until the budget has n bytes free.
func (a *account) take(ctx context.Context, n int64) error {
	if err := a.budget.take(ctx, n); err != nil {
		return err
	}
	a.count(n)
	return nil
}

// overdraw takes n bytes that nobody waits for.
func (a *account) overdraw(n int64) {
	a.budget.overdraw(n)
	a.count(n)
}

func (a *account) giveBack(n int64) {
	a.budget.giveBack(n)
	a.count(-n)
}

// settle gives back all that is held.
func (a *account) settle() {
	if n := a.held.Load(); n != 0 {
		a.giveBack(n)
	}
}

func (a *account) count(n int64) {
	a.held.Add(n)
	a.gauge.Add(float64(n))
}
