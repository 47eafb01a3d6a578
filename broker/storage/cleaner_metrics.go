package storage

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// CleanerMetrics are what the metrics of LogCleaner and LogCleanerManager tell in Apache Kafka.
type CleanerMetrics struct {
	runs, failures                                   prometheus.Counter
	bytesRead, bytesWritten, recordsRead, recordKept prometheus.Counter
	withoutKey                                       prometheus.Counter
	dirtyPercent, uncleanable, uncleanableBytes      prometheus.Gauge
	bufferUtilization, recopyPercent, lastSeconds    prometheus.Gauge

	mu      sync.Mutex
	lastRun time.Time
}

// NewCleanerMetrics makes the metrics and registers them. It fails when one of the names is taken.
func NewCleanerMetrics(registry prometheus.Registerer, clock func() time.Time) (*CleanerMetrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "chronik_log_cleaner_" + name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "chronik_log_cleaner_" + name, Help: help})
	}
	m := &CleanerMetrics{
		lastRun:           clock(),
		runs:              counter("runs_total", "Rounds of compaction that were finished."),
		failures:          counter("failures_total", "Rounds of compaction that were not finished."),
		bytesRead:         counter("read_bytes_total", "Bytes that compaction has read."),
		bytesWritten:      counter("written_bytes_total", "Bytes that compaction has written."),
		recordsRead:       counter("read_records_total", "Records that compaction has looked at."),
		recordKept:        counter("kept_records_total", "Records that compaction has kept."),
		withoutKey:        counter("records_without_key_total", "Records that compaction has removed because they have no key."),
		dirtyPercent:      gauge("max_dirty_percent", "Dirty share of the dirtiest log (max-dirty-percent)."),
		uncleanable:       gauge("uncleanable_partitions", "Logs that can not be compacted (uncleanable-partitions-count)."),
		uncleanableBytes:  gauge("uncleanable_bytes", "Dirty bytes of the logs that can not be compacted (uncleanable-bytes)."),
		bufferUtilization: gauge("buffer_utilization_percent", "How full the memory for keys was in the last round (max-buffer-utilization-percent)."),
		recopyPercent:     gauge("recopy_percent", "Bytes written of those read in the last round (cleaner-recopy-percent)."),
		lastSeconds:       gauge("clean_seconds", "Duration of the last round (max-clean-time-secs)."),
	}
	sinceLast := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chronik_log_cleaner_time_since_last_run_seconds", Help: "Time since logs were last looked at for compaction (time-since-last-run-ms).",
	}, func() float64 {
		m.mu.Lock()
		defer m.mu.Unlock()
		return clock().Sub(m.lastRun).Seconds()
	})
	for _, c := range []prometheus.Collector{
		m.runs, m.failures, m.bytesRead, m.bytesWritten, m.recordsRead, m.recordKept, m.withoutKey, m.dirtyPercent, m.uncleanable,
		m.uncleanableBytes, m.bufferUtilization, m.recopyPercent, m.lastSeconds, sinceLast,
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// looked notes what was found when the logs were looked at.
func (m *CleanerMetrics) looked(now time.Time, dirtiest float64, uncleanable int, uncleanableBytes int64) {
	m.mu.Lock()
	m.lastRun = now
	m.mu.Unlock()
	m.dirtyPercent.Set(100 * dirtiest)
	m.uncleanable.Set(float64(uncleanable))
	m.uncleanableBytes.Set(float64(uncleanableBytes))
}

// ran notes a round.
func (m *CleanerMetrics) ran(s *RoundStats, err error) {
	m.bytesRead.Add(float64(s.BytesRead))
	m.bytesWritten.Add(float64(s.BytesWritten))
	m.recordsRead.Add(float64(s.RecordsRead))
	m.recordKept.Add(float64(s.RecordsKept))
	m.withoutKey.Add(float64(s.WithoutKey))
	if err != nil {
		m.failures.Inc()
		return
	}
	m.runs.Inc()
	m.bufferUtilization.Set(100 * s.Utilization)
	m.lastSeconds.Set(s.Took.Seconds())
	if s.BytesRead > 0 {
		m.recopyPercent.Set(100 * float64(s.BytesWritten) / float64(s.BytesRead))
	}
}
