package broker

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// newCoordinatorMetrics counts requests that coordinators refuse for no fault of the client, by the topic where they keep their state.
func newCoordinatorMetrics(registry prometheus.Registerer) (*prometheus.CounterVec, error) {
	troubled := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chronik_coordinator_server_errors_total",
		Help: "Requests to coordinators that were answered UNKNOWN_SERVER_ERROR, mostly because what is to be stored does not fit a batch; the log says why.",
	}, []string{"topic"})
	if err := registry.Register(troubled); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return troubled, nil
}
