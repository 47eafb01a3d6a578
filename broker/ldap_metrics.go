package broker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth/ldap"
	"github.com/chronik-stream/chronik/broker/server"
)

// ldapMetrics tell of the directories that check passwords.
type ldapMetrics struct {
	directories             map[string]*ldap.Directory // by listener
	questions, failures, up *prometheus.Desc
}

var _ prometheus.Collector = (*ldapMetrics)(nil)

func newLDAPMetrics(listeners []server.Listener) *ldapMetrics {
	of := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("chronik_ldap_"+name, help, []string{"listener"}, nil)
	}
	m := &ldapMetrics{
		directories: map[string]*ldap.Directory{},
		questions:   of("questions_total", "Log-ins that the directory was asked about."),
		failures:    of("failures_total", "Log-ins that the directory did not decide, since it could not be asked or did not say."),
		up:          of("up", "Whether the directory decided the last log-in that it was asked about; 1 before any."),
	}
	for listener, l := range byListener[directoryLogins](listeners) {
		m.directories[listener] = l.directory
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *ldapMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.questions, m.failures, m.up} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *ldapMetrics) Collect(out chan<- prometheus.Metric) {
	for listener, d := range m.directories {
		s, up := d.Stats(), 1.0
		if s.Failing {
			up = 0
		}
		out <- prometheus.MustNewConstMetric(m.questions, prometheus.CounterValue, float64(s.Questions), listener)
		out <- prometheus.MustNewConstMetric(m.failures, prometheus.CounterValue, float64(s.Failures), listener)
		out <- prometheus.MustNewConstMetric(m.up, prometheus.GaugeValue, up, listener)
	}
}
