package broker

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/broker/meta"
)

// guardLogins makes what holds back who guesses passwords, and the gauge of whom it has locked out.
func (b *Broker) guardLogins() (*guard.Guard, error) {
	g, err := guard.New(b.options.Logins)
	if err != nil {
		return nil, err
	}
	locked := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chronik_login_locked", Help: "Lock-outs that hold now: users, or users from an address, known or not.",
	}, func() float64 { return float64(g.Locked(time.Now())) })
	if err := b.registry.Register(locked); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	b.store.Subscribe(liftLockouts(g, b.logger))
	return g, nil
}

// liftLockouts returns a meta.Subscriber that ends the lock-outs that an administrator lifts.
func liftLockouts(g *guard.Guard, logger *slog.Logger) meta.Subscriber {
	return func(_, _ *meta.Image, d meta.Delta) {
		for _, name := range d.Unlocked {
			p, err := auth.ParsePrincipal(name)
			if err != nil {
				continue // the proposer has checked it
			}
			logger.Info("lock-outs after failed log-ins are lifted", "user", p.Name, "locks", g.Unlock(p.Name))
		}
	}
}
