package quota

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what is held back. They have no users and client ids for labels: clients choose the latter.
type Metrics struct {
	held    *prometheus.CounterVec
	seconds *prometheus.CounterVec
}

// NewMetrics makes the counters and registers them. It fails when one of the names is taken.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	labels := []string{"quota"}
	m := &Metrics{
		held: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chronik_quota_throttled_total", Help: "Requests whose clients were held back, or that were refused, for a quota.",
		}, labels),
		seconds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chronik_quota_throttle_seconds_total", Help: "How long clients were told to wait for a quota, added up.",
		}, labels),
	}
	for _, c := range []prometheus.Collector{m.held, m.seconds} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	for k := range kinds {
		m.held.WithLabelValues(k.String())
		m.seconds.WithLabelValues(k.String())
	}
	return m, nil
}

// Gauge shows how many clients a Manager measures.
func (m *Manager) Gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chronik_quota_clients", Help: "Users, client ids and addresses that are measured, counted once for each kind of quota.",
	}, func() float64 {
		n := m.buckets.len() + m.hosts.len()
		for k := range m.rates {
			n += m.rates[k].len()
		}
		return float64(n)
	})
}

// throttled counts a wait of so many milliseconds and returns it.
func (m *Metrics) throttled(k kind, millis int64) time.Duration {
	if millis == 0 {
		return 0
	}
	wait := time.Duration(millis) * time.Millisecond
	m.held.WithLabelValues(k.String()).Inc()
	m.seconds.WithLabelValues(k.String()).Add(wait.Seconds())
	return wait
}
