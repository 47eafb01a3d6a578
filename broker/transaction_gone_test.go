package broker

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestATransactionEndsOneOfWhoseTopicsIsDeleted has nothing to mark in a partition that does not exist any more: the transaction completes
// without it, and the next one can begin.
func TestATransactionEndsOneOfWhoseTopicsIsDeleted(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	defer stop(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	plain := client(t, b)
	defer plain.Close()
	admin := kadm.NewClient(plain)
	if _, err := admin.CreateTopics(ctx, 1, 1, nil, "t", "gone"); err != nil {
		t.Fatal(err)
	}
	c := transactional(t, b, "id")
	defer c.Close()
	begun(ctx, t, c, "first")
	if err := c.ProduceSync(ctx, &kgo.Record{Topic: "gone", Value: []byte("lost")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopic(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	transact(ctx, t, c, kgo.TryCommit, "second")
	if got := committed(ctx, t, b); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("committed: %v", got)
	}
	want := map[string]float64{
		"chronik_transaction_markers_total gone": 1, "chronik_transaction_markers_total retried": 0, "chronik_transaction_markers_total written": 2,
		"chronik_transaction_markers_in_flight": 0, "chronik_transactional_ids CompleteCommit": 1, "chronik_transactional_ids Ongoing": 0,
	}
	for {
		got := metricsOf(t, b.registry)
		maps.DeleteFunc(got, func(name string, _ float64) bool { _, wanted := want[name]; return !wanted })
		if maps.Equal(got, want) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("metrics: %v, not %v", got, want)
		case <-time.After(time.Millisecond): // the coordinator takes note of the marker after consumers see it
		}
	}
}

// metricsOf has the counters and gauges of a registry by name and labels.
func metricsOf(t *testing.T, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}
