package httpd

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chronik-stream/chronik/broker/limit"
)

// Check reports, with an error, why the broker is not well. The text is answered: it must hold no secret.
type Check func(ctx context.Context) error

// Metrics is the route that Prometheus scrapes.
func Metrics(registry prometheus.Gatherer) Route {
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: limit.HTTPAnswerTime - time.Second})
	return Route{Method: http.MethodGet, Path: "/metrics", Gate: Loopback, Handler: handler}
}

// Healthz is the route that says whether the process should be left running. A nil check means that it should while it
// answers.
func Healthz(check Check) Route { return probe("/healthz", check) }

// Readyz is the route that says whether clients should be sent here.
func Readyz(check Check) Route { return probe("/readyz", check) }

func probe(path string, check Check) Route {
	return Route{Method: http.MethodGet, Path: path, Gate: Open, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, text := http.StatusOK, "ok\n"
		if check != nil {
			if err := check(r.Context()); err != nil {
				code, text = http.StatusServiceUnavailable, err.Error()+"\n"
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text) // a client that has gone needs no answer
	})}
}
