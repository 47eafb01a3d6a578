package broker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/authz/rego"
)

// policyMetrics tell of the policies in Rego.
type policyMetrics struct {
	engine                                                *rego.Engine
	authorizer                                            *rego.Authorizer
	decisions, undecided, changes, loaded, broken, differ *prometheus.Desc
}

var _ prometheus.Collector = (*policyMetrics)(nil)

func newPolicyMetrics(engine *rego.Engine, authorizer *rego.Authorizer) *policyMetrics {
	of := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("chronik_policies_"+name, help, labels, nil)
	}
	return &policyMetrics{
		engine: engine, authorizer: authorizer,
		decisions: of("decisions_total", "Questions to the policies: evaluated, or answered from the cache.", "from"),
		undecided: of("undecided_total", "Evaluations that failed or took too long; they deny."),
		changes:   of("changes_total", "Changes of the policies' files: in force, refused, or others than those that are required.", "outcome"),
		loaded:    of("loaded_timestamp_seconds", "When the policies in force came into force."),
		broken:    of("broken", "1 while the policies' files hold what was refused or is not what is required, and older policies are in force."),
		differ:    of("shadow_differences_total", "Questions that the policies would have decided otherwise than the ACLs, in the mode shadow.", "would"),
	}
}

// Describe implements prometheus.Collector.
func (m *policyMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.decisions, m.undecided, m.changes, m.loaded, m.broken, m.differ} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *policyMetrics) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	s := m.engine.Stats()
	count(m.decisions, s.Evaluations, "evaluation")
	count(m.decisions, s.Cached, "cache")
	count(m.undecided, s.Undecided)
	count(m.changes, s.Loaded, "in_force")
	count(m.changes, s.Refused, "refused")
	count(m.changes, s.NotRequired, "not_required")
	allow, deny := m.authorizer.Differences()
	count(m.differ, allow, "allow")
	count(m.differ, deny, "deny")
	broken := 0.0
	if s.Broken {
		broken = 1
	}
	out <- prometheus.MustNewConstMetric(m.broken, prometheus.GaugeValue, broken)
	out <- prometheus.MustNewConstMetric(m.loaded, prometheus.GaugeValue, seconds(s.LoadedAt))
}
