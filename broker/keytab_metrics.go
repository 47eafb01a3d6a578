package broker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/broker/server"
)

// keytabMetrics tell of the keys that Kerberos tickets are for, by listener.
type keytabMetrics struct {
	of                                map[string]*gssapi.Mechanism
	keys, reloads, failed, lastReload *prometheus.Desc
}

var _ prometheus.Collector = (*keytabMetrics)(nil)

func newKeytabMetrics(listeners []server.Listener) *keytabMetrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("chronik_keytab_"+name, help, []string{"listener"}, nil)
	}
	return &keytabMetrics{
		of:         byListener[*gssapi.Mechanism](listeners),
		keys:       desc("keys", "Keys of the keytab that tickets may be for."),
		reloads:    desc("reloads_total", "Renewals of the keys from the keytab."),
		failed:     desc("reload_failures_total", "Looks at the keytab that could not be used; the last good keys stay."),
		lastReload: desc("last_reload_timestamp_seconds", "When the keys in use were read."),
	}
}

// Describe implements prometheus.Collector.
func (m *keytabMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.keys, m.reloads, m.failed, m.lastReload} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *keytabMetrics) Collect(out chan<- prometheus.Metric) {
	for listener, mechanism := range m.of {
		s := mechanism.KeytabStats()
		out <- prometheus.MustNewConstMetric(m.keys, prometheus.GaugeValue, float64(s.Keys), listener)
		out <- prometheus.MustNewConstMetric(m.reloads, prometheus.CounterValue, float64(s.Reloads), listener)
		out <- prometheus.MustNewConstMetric(m.failed, prometheus.CounterValue, float64(s.Failures), listener)
		out <- prometheus.MustNewConstMetric(m.lastReload, prometheus.GaugeValue, seconds(s.Read), listener)
	}
}
