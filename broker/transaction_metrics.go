package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/shard"
	"github.com/chronik-stream/chronik/broker/txn"
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

// transactionStates collects how many transactional ids are in which state.
type transactionStates struct {
	coordinators *shard.Transactions
	ids          *prometheus.Desc
}

func newTransactionStates(coordinators *shard.Transactions) *transactionStates {
	return &transactionStates{coordinators: coordinators, ids: prometheus.NewDesc(
		"chronik_transactional_ids", "Transactional ids whose coordinator this broker is, by state.", []string{"state"}, nil,
	)}
}

// Describe implements prometheus.Collector.
func (s *transactionStates) Describe(descs chan<- *prometheus.Desc) { descs <- s.ids }

// countTimeout bounds how long a scrape waits for coordinators. What does not answer, such as one that is being loaded, counts as nothing.
const countTimeout = time.Second

// Collect implements prometheus.Collector.
func (s *transactionStates) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	total := map[txn.State]int{}
	for _, wait := range s.coordinators.SendEach(ctx, txn.Count{}) {
		answer, _ := wait(ctx)
		counts, _ := answer.(map[txn.State]int)
		for state, n := range counts {
			total[state] += n
		}
	}
	for state := txn.Empty; state <= txn.CompleteAbort; state++ {
		metrics <- prometheus.MustNewConstMetric(s.ids, prometheus.GaugeValue, float64(total[state]), state.String())
	}
}
