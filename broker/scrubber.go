package broker

import (
	"context"
	"fmt"

	"github.com/chronik-stream/chronik/broker/storage"
)

// startScrubber verifies segments in the background.
func (b *Broker) startScrubber(ctx context.Context) error {
	cfg := b.options.Scrub
	if err := storage.RegisterScrubMetrics(b.registry, b.directories); err != nil {
		return fmt.Errorf("register the metrics of the scrubber: %w", err)
	}
	cfg.Directories = b.directories
	b.background(ctx, storage.NewScrubber(cfg).Run)
	return nil
}
