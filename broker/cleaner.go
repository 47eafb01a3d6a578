package broker

import (
	"context"
	"fmt"

	"github.com/chronik-stream/chronik/broker/storage"
)

// startCleaner compacts logs in the background.
func (b *Broker) startCleaner(ctx context.Context) error {
	cfg := b.options.Cleaner
	metrics, err := storage.NewCleanerMetrics(b.registry, b.options.Clock)
	if err != nil {
		return fmt.Errorf("register the metrics of compaction: %w", err)
	}
	cfg.Metrics, cfg.Clock, cfg.Logger, cfg.Logs = metrics, b.options.Clock, b.logger, b.replicas.Stable
	b.background(ctx, storage.NewCleaner(cfg).Run)
	return nil
}
