package broker

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth/guard"
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
	return g, nil
}
