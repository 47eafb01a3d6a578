package replica

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// TestCountersBeginAtZero: an alert on a rate needs the value before the first refusal.
func TestCountersBeginAtZero(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := NewMetrics(registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if v := m.GetCounter().GetValue(); v != 0 {
				t.Errorf("%s begins at %v", f.GetName(), v)
			}
			got[f.GetName()] = append(got[f.GetName()], m.GetLabel()[0].GetValue())
		}
	}
	want := map[string][]string{
		"chronik_refused_batches_total":   {"codec", "corrupt", "invalid", "timestamp", "too large"},
		"chronik_converted_records_total": {"gzip", "lz4", "none", "snappy", "zstd"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
