package broker

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/api"
)

// newRefusedRegexes counts and logs clients' regular expressions that are not used.
func newRefusedRegexes(registry prometheus.Registerer, logger *slog.Logger) (func(*api.Call, error), error) {
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chronik_refused_regular_expressions_total",
		Help: "Clients' regular expressions that were invalid, or took or matched too much; the log says which.",
	}, []string{"api"})
	if err := registry.Register(refused); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return func(c *api.Call, why error) {
		refused.WithLabelValues(c.API).Inc()
		logger.Warn("a client's regular expression is refused", "api", c.API, "principal", c.Subject().Principal.String(), "host", c.Conn.Host.String(), "error", why)
	}, nil
}
