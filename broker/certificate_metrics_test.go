package broker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	certsdev "github.com/chronik-stream/chronik/certs-dev"
	"github.com/chronik-stream/chronik/tls"
)

// TestCertificateMetrics has a trust store that holds one certificate twice, which must not break the metrics of all others.
func TestCertificateMetrics(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	paths, err := certsdev.Ensure(t.TempDir(), certsdev.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(paths.CA)
	if err != nil {
		t.Fatal(err)
	}
	twice := filepath.Join(t.TempDir(), "trust.pem")
	if err := os.WriteFile(twice, append(authority, authority...), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := tls.Load(tls.Config{
		KeyStore:   tls.KeyStore{Type: "PEM", Location: paths.ServerKeyStore},
		TrustStore: tls.TrustStore{Type: "PEM", Location: twice}, ClientAuth: tls.Required, Clock: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCertificateMetrics(map[string]*tls.Reloader{"SSL": r}))
	var server, trusted int
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "chronik_tls_certificate_expiry_timestamp_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			switch {
			case labels["kind"] == "server" && labels["subject"] == "CN=localhost" && labels["listener"] == "SSL" && m.GetGauge().GetValue() == float64(now.Add(365*24*time.Hour).Unix()):
				server++
			case labels["kind"] == "trust":
				trusted++
			}
		}
	}
	if server != 1 || trusted != 1 {
		t.Errorf("%d of the server, %d trusted: %v", server, trusted, families)
	}
}
