package broker

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/broker/server"
)

// TestKeytabMetrics: a keytab that can not be used any more is seen in the metrics, and so is the one that comes after it.
func TestKeytabMetrics(t *testing.T) {
	path := filepath.Join(writeFiles(t, map[string][]byte{"kafka.keytab": keytabOf(1)}), "kafka.keytab")
	synctest.Test(t, func(t *testing.T) {
		m, err := gssapi.New(gssapi.Config{Keytab: path, Service: "kafka", ReloadInterval: time.Second, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(newKeytabMetrics([]server.Listener{{Name: "IN", Mechanisms: []auth.Mechanism{m}}, {Name: "OUT"}}))
		first := metricsOf(t, registry)
		if first["chronik_keytab_keys IN"] != 1 || first["chronik_keytab_last_reload_timestamp_seconds IN"] != seconds(time.Now()) || len(first) != 4 {
			t.Errorf("metrics: %v", first)
		}
		go m.Run(t.Context())
		look := func(content []byte, reloads, failures float64) {
			t.Helper()
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
			synctest.Wait()
			got := metricsOf(t, registry)
			if got["chronik_keytab_keys IN"] != 1 || got["chronik_keytab_reloads_total IN"] != reloads || got["chronik_keytab_reload_failures_total IN"] != failures {
				t.Errorf("metrics: %v, want %v reloads and %v failures", got, reloads, failures)
			}
		}
		look([]byte("cut off"), 0, 1)
		look([]byte("cut off"), 0, 2)
		look(keytabOf(2), 1, 2)
	})
}
