package broker

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/meta"
)

// approvalsSwept is how often requests that take two persons are removed whose time is over. Nobody can use them before that.
const approvalsSwept = 5 * time.Second

// approvalsOf is what takes two persons.
func approvalsOf(c *config.Config) handler.Approvals {
	a := handler.Approvals{Operations: c.Approvals.Required, Expiration: c.Approvals.Expiration, OpenByDefault: c.Security.AllowIfNoACL}
	a.SuperUsers = slices.Clone(c.Security.SuperUsers)
	for i := range c.Listeners {
		a.SuperUsers = append(a.SuperUsers, c.Listeners[i].SuperUsers...)
	}
	return a
}

// startApprovals counts what happens to requests that take two persons, and removes those whose time is over.
func (b *Broker) startApprovals(ctx context.Context) error {
	counted := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chronik_approvals_total", Help: "What happened to requests that take two persons: CreateApproval, ApproveApproval, RejectApproval, UseApproval, ExpireApproval.",
	}, []string{"action"})
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chronik_approvals_pending", Help: "Requests that wait for the approval of a second administrator.",
	}, func() float64 { return float64(pendingApprovals(b.store.Image())) })
	for _, c := range []prometheus.Collector{counted, waiting} {
		if err := b.registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	b.store.Subscribe(func(_, _ *meta.Image, d meta.Delta) {
		for _, action := range d.Approvals {
			counted.WithLabelValues(action).Inc()
		}
	})
	s := &approvalSweep{log: b.metadata, isLeader: b.quorum.IsLeader, clock: b.options.Clock, logger: b.logger}
	b.background(ctx, s.run)
	return nil
}

func pendingApprovals(img *meta.Image) (n int) {
	img.Approvals(func(a *meta.Approval) bool {
		if a.State == meta.ApprovalPending {
			n++
		}
		return true
	})
	return n
}

// approvalSweep removes requests that take two persons whose time is over, so that the audit log tells of it.
type approvalSweep struct {
	log      handler.MetadataLog
	isLeader func() bool
	clock    func() time.Time
	logger   *slog.Logger
}

func (s *approvalSweep) run(ctx context.Context) {
	tick := time.NewTicker(approvalsSwept)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.sweep(ctx)
		}
	}
}

// sweep does nothing where nothing is over. What fails is tried again at the next tick.
func (s *approvalSweep) sweep(ctx context.Context) {
	now, over := s.clock(), false
	s.log.Image().Approvals(func(a *meta.Approval) bool {
		over = a.Expired(now.UnixMilli())
		return !over
	})
	if !over || !s.isLeader() {
		return
	}
	_, err := s.log.Propose(ctx, &meta.SweepApprovals{
		Origin: meta.Origin{EventID: rand.Text(), Principal: "User:(broker)", API: meta.ApprovalExpired, Time: now}, Now: now.UnixMilli(),
	})
	if err != nil {
		s.logger.Warn("requests whose time is over can not be removed", "error", err)
	}
}
