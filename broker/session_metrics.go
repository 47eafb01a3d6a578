package broker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/server"
)

// sessionMetrics count the sessions by how they are protected.
type sessionMetrics struct {
	sessions func() []server.LiveSession
	count    *prometheus.Desc
}

var _ prometheus.Collector = (*sessionMetrics)(nil)

func newSessionMetrics(sessions func() []server.LiveSession) *sessionMetrics {
	return &sessionMetrics{sessions: sessions, count: prometheus.NewDesc(
		"chronik_sessions", "Sessions by how they logged in, and by version and key exchange of TLS; empty without TLS.",
		[]string{"listener", "mechanism", "tls_version", "group", "post_quantum"}, nil,
	)}
}

// Describe implements prometheus.Collector.
func (m *sessionMetrics) Describe(out chan<- *prometheus.Desc) { out <- m.count }

// Collect implements prometheus.Collector.
func (m *sessionMetrics) Collect(out chan<- prometheus.Metric) {
	type kind struct{ listener, mechanism, version, group, postQuantum string }
	counts := map[kind]int{}
	live := m.sessions()
	for i := range live {
		s := live[i].Session
		k := kind{listener: s.Listener, mechanism: s.Method, postQuantum: "false"}
		if e := s.Encryption; e != nil {
			k.version, k.group = e.Version, e.Group
			if e.PostQuantum {
				k.postQuantum = "true"
			}
		}
		counts[k]++
	}
	for k, n := range counts {
		out <- prometheus.MustNewConstMetric(m.count, prometheus.GaugeValue, float64(n), k.listener, k.mechanism, k.version, k.group, k.postQuantum)
	}
}
