package broker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth/oauth"
	"github.com/chronik-stream/chronik/broker/server"
)

// issuerMetrics tell of the keys that verify bearer tokens.
type issuerMetrics struct {
	keys                             map[string]*oauth.Keys
	number, refreshed, reads, failed *prometheus.Desc
}

var _ prometheus.Collector = (*issuerMetrics)(nil)

func newIssuerMetrics(listeners []server.Listener) *issuerMetrics {
	of := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("chronik_issuer_"+name, help, []string{"listener"}, nil)
	}
	m := &issuerMetrics{
		keys:      map[string]*oauth.Keys{},
		number:    of("keys", "Keys of the token issuer that verify tokens."),
		refreshed: of("keys_refreshed_timestamp_seconds", "When the token issuer's keys were read last; 0 before."),
		reads:     of("key_reads_total", "Attempts to read the token issuer's keys."),
		failed:    of("failed_key_reads_total", "Attempts to read the token issuer's keys that failed."),
	}
	for listener, o := range byListener[*oauth.Mechanism](listeners) {
		if keys := o.Keys(); keys != nil {
			m.keys[listener] = keys
		}
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *issuerMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.number, m.refreshed, m.reads, m.failed} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *issuerMetrics) Collect(out chan<- prometheus.Metric) {
	for listener, keys := range m.keys {
		s := keys.Stats()
		refreshed := 0.0
		if !s.Refreshed.IsZero() {
			refreshed = seconds(s.Refreshed)
		}
		out <- prometheus.MustNewConstMetric(m.number, prometheus.GaugeValue, float64(s.Keys), listener)
		out <- prometheus.MustNewConstMetric(m.refreshed, prometheus.GaugeValue, refreshed, listener)
		out <- prometheus.MustNewConstMetric(m.reads, prometheus.CounterValue, float64(s.Reads), listener)
		out <- prometheus.MustNewConstMetric(m.failed, prometheus.CounterValue, float64(s.Failures), listener)
	}
}
