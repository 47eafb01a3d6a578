package broker

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/wire"
)

// What becomes of a marker.
const (
	markerWritten = "written"
	markerRetried = "retried"
	markerGone    = "gone"
)

// transactionMetrics count what the transaction coordinators and those who ask them do.
type transactionMetrics struct {
	// sending is the number of markers on their way, marked what became of them.
	sending prometheus.Gauge
	marked  *prometheus.CounterVec
	// unverified counts partitions that were not found to be part of a transaction, by the code that the client is told.
	unverified *prometheus.CounterVec
}

func newTransactionMetrics(registry prometheus.Registerer) (*transactionMetrics, error) {
	m := &transactionMetrics{
		sending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "chronik_transaction_markers_in_flight", Help: "Markers of ended transactions that are being written.",
		}),
		marked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chronik_transaction_markers_total", Help: "Markers of ended transactions: written, to be sent again, or for partitions that are gone.",
		}, []string{"result"}),
		unverified: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chronik_transaction_verification_failures_total", Help: "Batches that were refused because their partition was not verified to be part of their transaction, by error.",
		}, []string{"error"}),
	}
	for _, c := range []prometheus.Collector{m.sending, m.marked, m.unverified} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	// Every label is there from the start: who asks for a rate sees the first one only where a zero came before it.
	for _, result := range []string{markerWritten, markerRetried, markerGone} {
		m.marked.WithLabelValues(result)
	}
	for _, code := range []int16{wire.InvalidTxnState, wire.TransactionAbortable, wire.InvalidProducerEpoch, wire.NotEnoughReplicas} {
		m.unverified.WithLabelValues(wire.CodeName(code))
	}
	return m, nil
}

// refused counts a partition that was not verified.
func (m *transactionMetrics) refused(code int16) {
	m.unverified.WithLabelValues(wire.CodeName(code)).Inc()
}
