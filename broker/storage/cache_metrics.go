package storage

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/evict"
)

// cacheMetrics counts what the cache does.
type cacheMetrics struct {
	files, indexes kindMetrics
	// damaged counts indexes that were refused because they are not as they were written.
	damaged atomic.Int64
}

// kindMetrics are those of the files, or of the indexes.
type kindMetrics struct {
	hits, misses         atomic.Int64
	evictSize, evictIdle atomic.Int64
	removed              atomic.Int64
	loads                prometheus.Histogram
}

func newCacheMetrics() *cacheMetrics {
	m := &cacheMetrics{}
	m.files.loads = loadHistogram("files", "the opening of a file")
	m.indexes.loads = loadHistogram("index", "the loading of an index")
	return m
}

func loadHistogram(kind, what string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "chronik_segment_cache_" + kind + "_load_seconds", Help: "How long " + what + " took.",
		Buckets: prometheus.ExponentialBuckets(10e-6, 4, 9), // 10 us to 0.65 s
	})
}

func (m *kindMetrics) evicted(reason evict.Reason) {
	if reason == evict.Idle {
		m.evictIdle.Add(1)
		return
	}
	m.evictSize.Add(1)
}
