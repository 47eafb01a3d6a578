package broker

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/tls"
)

// certificateMetrics tell of the certificates and revocation lists in use, by listener, when they are asked for.
type certificateMetrics struct {
	of                                  map[string]*tls.Reloader
	expiry, nextUpdate, revoked, staple *prometheus.Desc
	reloads, failures, lastReload       *prometheus.Desc
}

func newCertificateMetrics(of map[string]*tls.Reloader) *certificateMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"listener"}, labels...), nil)
	}
	return &certificateMetrics{
		of:         of,
		expiry:     desc("chronik_tls_certificate_expiry_timestamp_seconds", "When a certificate in use expires: of the key store (kind server, and chain beside it) and of the trust store (kind trust).", "kind", "subject", "serial"),
		nextUpdate: desc("chronik_tls_revocation_list_next_update_timestamp_seconds", "When a revocation list in force is out of date.", "issuer", "file"),
		revoked:    desc("chronik_tls_revocation_list_certificates", "Certificates that a revocation list in force names.", "issuer", "file"),
		staple:     desc("chronik_tls_ocsp_response_next_update_timestamp_seconds", "When the OCSP response that the server shows about its certificate is out of date.", "subject"),
		reloads:    desc("chronik_tls_reloads_total", "Renewals of what is read from files, by what: stores, or lists of revoked certificates.", "what"),
		failures:   desc("chronik_tls_reload_failures_total", "Looks at files that could not be used, by what: stores, lists, or staple (OCSP responses, whose responder may have failed).", "what"),
		lastReload: desc("chronik_tls_last_reload_timestamp_seconds", "When the certificates in use were read."),
	}
}

// Describe implements prometheus.Collector.
func (m *certificateMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.expiry, m.nextUpdate, m.revoked, m.staple, m.reloads, m.failures, m.lastReload} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *certificateMetrics) Collect(out chan<- prometheus.Metric) {
	for name, r := range m.of {
		gauge := distinct(out, name, prometheus.GaugeValue)
		for _, c := range r.Certificates() {
			gauge(m.expiry, seconds(c.NotAfter), c.Kind, c.Subject, c.Serial)
		}
		for _, l := range r.Lists() {
			gauge(m.nextUpdate, seconds(l.NextUpdate), l.Issuer, l.File)
			gauge(m.revoked, float64(l.Revoked), l.Issuer, l.File)
		}
		for _, s := range r.Staples() {
			gauge(m.staple, seconds(s.NextUpdate), s.Subject)
		}
		stats := r.Stats()
		gauge(m.lastReload, seconds(stats.LastReload))
		counter := distinct(out, name, prometheus.CounterValue)
		counter(m.reloads, float64(stats.Reloads), "stores")
		counter(m.reloads, float64(stats.ListReloads), "lists")
		counter(m.failures, float64(stats.Failures), "stores")
		counter(m.failures, float64(stats.ListFailures), "lists")
		counter(m.failures, float64(stats.StapleFailures), "staple")
	}
}

// distinct returns a function that tells of a listener, and of what has the same labels once: a trust store may hold a certificate twice,
// and a file two lists of one issuer.
func distinct(out chan<- prometheus.Metric, listener string, kind prometheus.ValueType) func(d *prometheus.Desc, value float64, labels ...string) {
	seen := map[string]bool{}
	return func(d *prometheus.Desc, value float64, labels ...string) {
		labels = append([]string{listener}, labels...)
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "?")
		}
		key := d.String() + strings.Join(labels, "\x00")
		if !seen[key] {
			seen[key] = true
			out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
