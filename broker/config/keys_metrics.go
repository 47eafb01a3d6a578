package config

// metricKeys are the keys of metrics.
func metricKeys() []Key {
	return []Key{
		{Name: "metric.reporters", Type: List, Default: "org.apache.kafka.common.metrics.JmxReporter", Effect: Ignored, Doc: "Java classes that export metrics. /metrics serves them to Prometheus."},
		{Name: "metrics.num.samples", Type: Int, Default: "2", Check: atLeast(1), Effect: Ignored, Doc: "Samples of a metric."},
		{Name: "metrics.recording.level", Type: String, Default: "INFO", Effect: Ignored, Doc: "Detail of metrics."},
		{Name: "metrics.sample.window.ms", Type: Long, Default: "30000", Check: atLeast(1), Effect: Ignored, Doc: "Length of one sample of a metric, in milliseconds."},
		{Name: "kafka.metrics.reporters", Type: List, Effect: Ignored, Doc: "Java classes that export the older kind of metrics."},
		{Name: "kafka.metrics.polling.interval.secs", Type: Int, Default: "10", Check: atLeast(1), Effect: Ignored, Doc: "How often they do, in seconds."},
		{Name: "telemetry.max.bytes", Type: Int, Default: "1048576", Check: atLeast(1), Effect: Ignored, Doc: "Most that a client may send about itself at once, in bytes."},
	}
}
