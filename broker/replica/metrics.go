package replica

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/record"
)

// Metrics count what becomes of clients' batches.
type Metrics struct {
	refused   *prometheus.CounterVec
	converted *prometheus.CounterVec
}

// NewMetrics makes the counters and registers them. It fails when one of the names is taken.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chronik_refused_batches_total", Help: "Record batches of clients that were not valid, by reason.",
		}, []string{"reason"}),
		converted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chronik_converted_records_total", Help: "Records that were compressed anew because of compression.type, by their new codec.",
		}, []string{"codec"}),
	}
	for _, c := range []prometheus.Collector{m.refused, m.converted} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	// Every label is there from the start: who asks for a rate sees the first refusal only where a zero came before it.
	for reason := record.Corrupt; reason <= record.BadTimestamp; reason++ {
		m.refused.WithLabelValues(reason.String())
	}
	for codec := record.None; codec <= record.Zstd; codec++ {
		m.converted.WithLabelValues(codec.String())
	}
	return m, nil
}

func (m *Metrics) refuse(reason record.Reason) { m.refused.WithLabelValues(reason.String()).Inc() }

func (m *Metrics) stored(s *record.Stored) {
	if s.Converted {
		m.converted.WithLabelValues(s.Batch.Codec().String()).Add(float64(s.Batch.Count()))
	}
}
