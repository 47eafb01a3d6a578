package broker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/audit"
)

// auditMetrics tell how the audit log keeps up, and what was merged in it.
type auditMetrics struct {
	of                                                 *audit.Recorder
	recorded, lost, queued, failing, merged, overdrawn *prometheus.Desc
}

var _ prometheus.Collector = (*auditMetrics)(nil)

func newAuditMetrics(r *audit.Recorder) *auditMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("chronik_audit_"+name, help, labels, nil)
	}
	return &auditMetrics{
		of:        r,
		recorded:  desc("recorded_events_total", "Audit events that are in the log; changes in the metadata log are not counted."),
		lost:      desc("lost_events_total", "Audit events that were not recorded; a gap event counts them."),
		queued:    desc("queued_events", "Audit events that wait for the log."),
		failing:   desc("log_failing", "1 while the audit log takes no events."),
		merged:    desc("merged_events_total", "Audit events beyond their client's budget, which were merged into others, by kind.", "event"),
		overdrawn: desc("clients_over_budget", "Clients whose audit events are being merged: principals, and networks of who has not logged in."),
	}
}

// Describe implements prometheus.Collector.
func (m *auditMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.recorded, m.lost, m.queued, m.failing, m.merged, m.overdrawn} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *auditMetrics) Collect(out chan<- prometheus.Metric) {
	s := m.of.Stats()
	failing := 0.0
	if s.Failing {
		failing = 1
	}
	out <- prometheus.MustNewConstMetric(m.recorded, prometheus.CounterValue, float64(s.Recorded))
	out <- prometheus.MustNewConstMetric(m.lost, prometheus.CounterValue, float64(s.Lost))
	out <- prometheus.MustNewConstMetric(m.queued, prometheus.GaugeValue, float64(s.Queued))
	out <- prometheus.MustNewConstMetric(m.failing, prometheus.GaugeValue, failing)
	counts, clients := m.of.Merged()
	for kind, n := range counts {
		out <- prometheus.MustNewConstMetric(m.merged, prometheus.CounterValue, float64(n), kind)
	}
	out <- prometheus.MustNewConstMetric(m.overdrawn, prometheus.GaugeValue, float64(clients))
}
