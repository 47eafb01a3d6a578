package broker

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
)

func TestRefusedRegexesAreCountedAndLogged(t *testing.T) {
	registry := prometheus.NewRegistry()
	var logged bytes.Buffer
	refused, err := newRefusedRegexes(registry, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c := &api.Call{API: "ListTransactions", Session: &auth.Session{Principal: auth.User("alice")}}
	refused(c, errors.New("it is too complex"))
	if got := metricsOf(t, registry)["chronik_refused_regular_expressions_total ListTransactions"]; got != 1 {
		t.Errorf("%v are counted", got)
	}
	for _, part := range []string{"User:alice", "ListTransactions", "it is too complex"} {
		if !strings.Contains(logged.String(), part) {
			t.Errorf("the log line lacks %s: %s", part, logged.String())
		}
	}
	if _, err := newRefusedRegexes(registry, slog.Default()); err == nil {
		t.Error("the counter can be registered twice")
	}
}
