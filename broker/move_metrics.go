package broker

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/storage"
)

// registerMoves registers what moves between log directories copy, and how long they wait for their pace.
func registerMoves(registry prometheus.Registerer, pace *storage.MovePace) error {
	for _, c := range []prometheus.Collector{
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "chronik_move_copied_bytes_total", Help: "Bytes that moves between log directories have copied.",
		}, func() float64 { return float64(pace.Copied()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "chronik_move_throttle_seconds_total", Help: "Time that moves between log directories have waited for replica.alter.log.dirs.io.max.bytes.per.second.",
		}, func() float64 { return pace.Waited().Seconds() }),
	} {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}
