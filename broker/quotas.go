package broker

import (
	"fmt"

	"github.com/chronik-stream/chronik/broker/quota"
)

// makeQuotas makes what holds clients to the quotas of the metadata.
func (b *Broker) makeQuotas() (*quota.Manager, error) {
	cfg := b.options.Quotas
	cfg.Clock = b.options.Clock
	var err error
	if cfg.Metrics, err = quota.NewMetrics(b.registry); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	m := quota.New(cfg)
	if err := b.registry.Register(m.Gauge()); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	b.store.Subscribe(m.Follow)
	return m, nil
}
