package broker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/storage"
)

// directoryMetrics shows the log directories (Apache Kafka: OfflineLogDirectoryCount and LogDirectoryOffline of LogManager).
type directoryMetrics struct {
	directories []*storage.Directory
	offline     *prometheus.Desc
	online      *prometheus.Desc
	full        *prometheus.Desc
	logs        *prometheus.Desc
	size        *prometheus.Desc
	total       *prometheus.Desc
	usable      *prometheus.Desc
	failedReads *prometheus.Desc
	refused     *prometheus.Desc
}

var _ prometheus.Collector = (*directoryMetrics)(nil)

func newDirectoryMetrics(directories []*storage.Directory) *directoryMetrics {
	of := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("chronik_log_directory_"+name, help, []string{"directory"}, nil)
	}
	return &directoryMetrics{
		directories: directories,
		offline:     prometheus.NewDesc("chronik_offline_log_directories", "Log directories whose partitions are not served.", nil, nil),
		online:      of("online", "Whether the log directory is online."),
		full:        of("full", "Whether the log directory takes no records because its disk is full."),
		logs:        of("partitions", "Partitions in the log directory."),
		size:        of("size_bytes", "Size of the segments in the log directory."),
		total:       of("total_bytes", "Size of the volume of the log directory."),
		usable:      of("usable_bytes", "Space that is left on the volume of the log directory."),
		failedReads: of("failed_reads_total", "Reads and searches that the log directory could not answer."),
		refused: prometheus.NewDesc("chronik_log_directory_refused_batches_total", "Record batches that the log directory did not take, by reason.",
			[]string{"directory", "reason"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *directoryMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.offline, m.online, m.full, m.logs, m.size, m.total, m.usable, m.failedReads, m.refused} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *directoryMetrics) Collect(out chan<- prometheus.Metric) {
	offline := 0
	for _, d := range m.directories {
		gauge := func(desc *prometheus.Desc, value int64) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), d.Path())
		}
		m.counts(out, d)
		if d.Err() != nil {
			offline++
			gauge(m.online, 0)
			continue
		}
		gauge(m.online, 1)
		full := int64(0)
		if d.Full() != nil {
			full = 1
		}
		gauge(m.full, full)
		logs, size := int64(0), int64(0)
		d.Logs(func(l *storage.Log) bool {
			logs++
			size += l.Size()
			return true
		})
		gauge(m.logs, logs)
		gauge(m.size, size)
		if space, err := d.Space(); err == nil {
			gauge(m.total, space.Total)
			gauge(m.usable, space.Usable)
		}
	}
	out <- prometheus.MustNewConstMetric(m.offline, prometheus.GaugeValue, float64(offline))
}

// counts shows what a directory has refused or could not answer.
func (m *directoryMetrics) counts(out chan<- prometheus.Metric, d *storage.Directory) {
	c := d.Counts()
	counter := func(desc *prometheus.Desc, value int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), append([]string{d.Path()}, labels...)...)
	}
	counter(m.failedReads, c.FailedReads)
	counter(m.refused, c.RefusedFull, "full")
	counter(m.refused, c.RefusedFiles, "open files")
	counter(m.refused, c.RefusedOffline, "offline")
}
