package storage

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/evict"
)

// cacheMetrics counts what the cache does.
type cacheMetrics struct {
	files, indexes kindMetrics
	// damaged counts reads that failed because an index is not as it was written.
	damaged atomic.Int64
}

// kindMetrics are those of the files, or of the indexes.
type kindMetrics struct {
	hits, misses, size, idle, removed, nanos atomic.Int64
	loads                                    prometheus.Histogram
}

func newCacheMetrics() *cacheMetrics {
	m := &cacheMetrics{}
	m.files.loads, m.indexes.loads = loadHistogram(fileKind), loadHistogram(indexKind)
	return m
}

func loadHistogram(kind string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "chronik_segment_cache_load_seconds", Help: "How long it took to open a file of a segment, or to load an index.",
		Buckets:     prometheus.ExponentialBuckets(10e-6, 4, 9), // 10 us to 0.65 s
		ConstLabels: prometheus.Labels{"kind": kind},
	})
}

func (m *kindMetrics) missed(took time.Duration) {
	m.misses.Add(1)
	m.nanos.Add(took.Nanoseconds())
	m.loads.Observe(took.Seconds())
}

func (m *kindMetrics) evicted(reason evict.Reason) {
	if reason == evict.Idle {
		m.idle.Add(1)
		return
	}
	m.size.Add(1)
}

// CacheStats is what the cache holds and has done since the start.
type CacheStats struct {
	Policy string `json:"policy"`
	TTLMs  int64  `json:"ttlMs"`
	// OpenFiles are all open files, UnsyncedFiles those of them that were given up and wait to be synced.
	OpenFiles     int64 `json:"openFiles"`
	UnsyncedFiles int64 `json:"unsyncedFiles"`
	// Files counts files, Indexes counts bytes.
	Files   CacheKindStats `json:"files"`
	Indexes CacheKindStats `json:"indexes"`
	// Damaged counts reads that failed because an index is not as it was written.
	Damaged int64       `json:"damagedIndexReads"`
	WarmUp  WarmUpStats `json:"warmUp"`
}

// CacheKindStats are those of the files, or of the indexes.
type CacheKindStats struct {
	// Held is what is there, Max is the bound.
	Held    int64        `json:"held"`
	Max     int64        `json:"max"`
	Hits    int64        `json:"hits"`
	Misses  int64        `json:"misses"`
	Evicted EvictedStats `json:"evicted"`
	// MeanLoadMicros is how long a miss took, in microseconds.
	MeanLoadMicros int64 `json:"meanLoadMicros"`
}

// EvictedStats are what left the cache: for its size, for its age, or because the segment was removed or cut.
type EvictedStats struct {
	Size    int64 `json:"size"`
	TTL     int64 `json:"ttl"`
	Removed int64 `json:"removed"`
}

func (m *kindMetrics) stats(held, most int64) CacheKindStats {
	s := CacheKindStats{
		Held: held, Max: most, Hits: m.hits.Load(), Misses: m.misses.Load(),
		Evicted: EvictedStats{Size: m.size.Load(), TTL: m.idle.Load(), Removed: m.removed.Load()},
	}
	if s.Misses > 0 {
		s.MeanLoadMicros = m.nanos.Load() / s.Misses / 1000
	}
	return s
}

// Stats are the cache's numbers now.
func (c *SegmentCache) Stats() CacheStats {
	c.mu.Lock()
	unsynced := int64(len(c.lingering))
	c.mu.Unlock()
	policy := "lru"
	if c.cfg.Policy == evict.LFU {
		policy = "lfu"
	}
	return CacheStats{
		Policy: policy, TTLMs: c.cfg.TTL.Milliseconds(), OpenFiles: c.openFiles.Load(), UnsyncedFiles: unsynced,
		Files:   c.metrics.files.stats(c.files.Weight(), int64(c.cfg.Files)),
		Indexes: c.metrics.indexes.stats(c.indexes.Weight(), c.cfg.IndexBytes),
		Damaged: c.metrics.damaged.Load(), WarmUp: c.warmUp.stats(),
	}
}

// The kinds of what is cached, as a label.
const (
	fileKind  = "file"
	indexKind = "index"
)

// cacheDescriptions are the metrics of Collect, by their names.
var cacheDescriptions = describeCache()

type cacheDescriptionSet struct {
	hits, misses, evictions, openFiles, unsynced, indexBytes, limit, damaged, warmed, warming *prometheus.Desc
}

func describeCache() cacheDescriptionSet {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("chronik_segment_cache_"+name, help, labels, nil)
	}
	return cacheDescriptionSet{
		hits:       describe("hits_total", "Uses of a file that was open, or of an index that was in memory.", "kind"),
		misses:     describe("misses_total", "Files that had to be opened, and indexes that had to be loaded.", "kind"),
		evictions:  describe("evictions_total", "Files that were closed and indexes that were dropped: for size, for ttl, or because the segment was removed.", "kind", "reason"),
		openFiles:  describe("open_files", "Files of segments that are open."),
		unsynced:   describe("unsynced_files", "Open files that were given up and wait to be synced."),
		indexBytes: describe("index_bytes", "Bytes of indexes in memory."),
		limit:      describe("limit", "The bounds: files, and bytes of indexes.", "kind"),
		damaged:    describe("damaged_index_reads_total", "Reads that failed because an index is not as it was written."),
		warmed:     describe("warmup_segments_done", "Segments that the warm-up has loaded."),
		warming:    describe("warmup_segments", "Segments that the warm-up of this start loads."),
	}
}

var _ prometheus.Collector = (*SegmentCache)(nil)

// Describe implements prometheus.Collector.
func (c *SegmentCache) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// Collect implements prometheus.Collector.
func (c *SegmentCache) Collect(out chan<- prometheus.Metric) {
	s, d := c.Stats(), &cacheDescriptions
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, kind, float64(value), labels...)
	}
	for kind, k := range map[string]*CacheKindStats{fileKind: &s.Files, indexKind: &s.Indexes} {
		send(d.hits, prometheus.CounterValue, k.Hits, kind)
		send(d.misses, prometheus.CounterValue, k.Misses, kind)
		send(d.evictions, prometheus.CounterValue, k.Evicted.Size, kind, "size")
		send(d.evictions, prometheus.CounterValue, k.Evicted.TTL, kind, "ttl")
		send(d.evictions, prometheus.CounterValue, k.Evicted.Removed, kind, "removed")
		send(d.limit, prometheus.GaugeValue, k.Max, kind)
	}
	send(d.openFiles, prometheus.GaugeValue, s.OpenFiles)
	send(d.unsynced, prometheus.GaugeValue, s.UnsyncedFiles)
	send(d.indexBytes, prometheus.GaugeValue, s.Indexes.Held)
	send(d.damaged, prometheus.CounterValue, s.Damaged)
	send(d.warmed, prometheus.GaugeValue, s.WarmUp.Done)
	send(d.warming, prometheus.GaugeValue, s.WarmUp.Segments)
	out <- c.metrics.files.loads
	out <- c.metrics.indexes.loads
}
