package server

import "github.com/prometheus/client_golang/prometheus"

// renewalMetrics tell of sessions that end and of their re-authentication (KIP-368), as those of Apache Kafka's network layer do.
type renewalMetrics struct {
	renewals       *prometheus.CounterVec
	failedRenewals *prometheus.CounterVec
	renewalTime    *prometheus.HistogramVec
	expired        *prometheus.CounterVec
	notRenewable   *prometheus.CounterVec
}

func newRenewalMetrics() renewalMetrics {
	return renewalMetrics{
		renewals:       counters("chronik_reauthentications_total", "Sessions that were renewed on their connections (KIP-368).", "listener", "method"),
		failedRenewals: counters("chronik_failed_reauthentications_total", "Failed attempts to renew a session, each of which ended its connection.", "listener", "method"),
		renewalTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chronik_reauthentication_duration_seconds", Help: "From the handshake of a re-authentication to its success, the client's part included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"listener"}),
		expired:      counters("chronik_expired_connections_killed_total", "Connections ended by a request that came after the session's time.", "listener"),
		notRenewable: counters("chronik_sessions_not_renewable_total", "Sessions with an end, of clients that are too old to be told of it.", "listener"),
	}
}

func (m *renewalMetrics) renewalCollectors() []prometheus.Collector {
	return []prometheus.Collector{m.renewals, m.failedRenewals, m.renewalTime, m.expired, m.notRenewable}
}
