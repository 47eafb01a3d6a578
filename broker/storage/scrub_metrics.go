package storage

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// RegisterScrubMetrics shows what directories know of their checksums at rest. It fails when one of the names is taken.
func RegisterScrubMetrics(registry prometheus.Registerer, directories []*Directory) error {
	for _, m := range []struct {
		name, help string
		of         func(s *scrubbing) *atomic.Int64
	}{
		{"chronik_log_damaged_total", "Damage in segments that reads or the scrubber have found.", func(s *scrubbing) *atomic.Int64 { return &s.damaged }},
		{"chronik_log_uncovered_files_total", "Files that were found without a valid side-car.", func(s *scrubbing) *atomic.Int64 { return &s.uncovered }},
		{"chronik_log_rebuilt_indexes_total", "Segments whose damaged indexes were built anew.", func(s *scrubbing) *atomic.Int64 { return &s.rebuilt }},
		{"chronik_scrub_bytes_total", "Bytes that the scrubber has read.", func(s *scrubbing) *atomic.Int64 { return &s.bytes }},
		{"chronik_scrub_segments_total", "Segments that the scrubber has verified.", func(s *scrubbing) *atomic.Int64 { return &s.segments }},
		{"chronik_scrub_side_cars_made_total", "Side-cars that the scrubber has made.", func(s *scrubbing) *atomic.Int64 { return &s.made }},
	} {
		err := registry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, func() float64 {
			total := int64(0)
			for _, d := range directories {
				total += m.of(&d.scrub).Load()
			}
			return float64(total)
		}))
		if err != nil {
			return err
		}
	}
	return registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chronik_scrub_last_completion_timestamp_seconds",
		Help: "When the scrubber was last through with the directory for which that is longest ago; 0 for never.",
	}, func() float64 {
		oldest := int64(0)
		for i, d := range directories {
			if last := d.scrub.completed.Load(); i == 0 || last < oldest {
				oldest = last
			}
		}
		return float64(oldest)
	}))
}
