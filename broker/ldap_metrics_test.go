package broker

import (
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/ldap"
	"github.com/chronik-stream/chronik/broker/server"
)

// TestLDAPMetrics: a directory that is not there is counted and seen.
func TestLDAPMetrics(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := listener.Addr().String()
	_ = listener.Close()
	m, err := ldapMechanism(&ldap.Config{URL: "ldap://" + nowhere, BindTemplate: "uid=%s,dc=test", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newLDAPMetrics([]server.Listener{{Name: "IN", Mechanisms: []auth.Mechanism{m}}, {Name: "OUT"}}))
	if got := metricsOf(t, registry); got["chronik_ldap_up IN"] != 1 || got["chronik_ldap_failures_total IN"] != 0 || len(got) != 3 {
		t.Errorf("before: %v", got)
	}
	if _, _, err := m.Start().Step(t.Context(), []byte("\x00alice\x00right")); err == nil {
		t.Fatal("somebody got in")
	}
	got := metricsOf(t, registry)
	if got["chronik_ldap_up IN"] != 0 || got["chronik_ldap_failures_total IN"] != 1 || got["chronik_ldap_questions_total IN"] != 1 {
		t.Errorf("after: %v", got)
	}
}
