package config

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// inMillis turns hours and minutes into milliseconds, by the end of the key's name. Negative values mean "without end".
func inMillis(name, value string) string {
	var unit int64
	switch {
	case strings.HasSuffix(name, ".hours"):
		unit = time.Hour.Milliseconds()
	case strings.HasSuffix(name, ".minutes"):
		unit = time.Minute.Milliseconds()
	default:
		return value
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return value
	}
	if n < 0 {
		return "-1"
	}
	return formatInt(n * unit)
}

// UnknownConfigError is a name that is no configuration of a topic or group. Its text is that of Apache Kafka.
type UnknownConfigError struct {
	Scope         Scope
	Name, Nearest string
}

func (e *UnknownConfigError) Error() string {
	kind := "topic"
	if e.Scope == GroupScope {
		kind = "group"
	}
	if e.Nearest == "" {
		return "Unknown " + kind + " config name: " + e.Name
	}
	return "Unknown " + kind + " config name: " + e.Name + " (the nearest known one is " + e.Nearest + ")"
}

// Unwrap makes every UnknownConfigError an ErrInvalid.
func (e *UnknownConfigError) Unwrap() error { return ErrInvalid }

// Validate checks configurations of a topic or a group that a client wants to set: names, types, ranges, and that each key is
// acted on. A key that is not may be set to its default. The error is a *ValueError or an *UnknownConfigError.
func (t *Table) Validate(scope Scope, configs map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		k := t.Key(scope, name)
		if k == nil || k.Internal {
			return &UnknownConfigError{Scope: scope, Name: name, Nearest: nearest(name, t.Names(scope))}
		}
		value, err := k.Parse(configs[name])
		if err != nil {
			return err
		}
		if k.Effect == Refused && !k.isDefault(value) {
			return refusal(k, value)
		}
	}
	return nil
}

// TopicSettings are a topic's effective configurations, parsed. The names are those of the keys.
type TopicSettings struct {
	SegmentBytes, SegmentMs, SegmentJitterMs int64
	SegmentIndexBytes, IndexIntervalBytes    int64
	Preallocate                              bool
	// RetentionMs and RetentionBytes are -1 for "without bound".
	RetentionMs, RetentionBytes int64
	MaxMessageBytes             int64
	FileDeleteDelay             time.Duration
	FlushMessages, FlushMs      int64
	// Compact and Delete are the parts of cleanup.policy.
	Compact, Delete bool
	// LogAppendTime is message.timestamp.type=LogAppendTime.
	LogAppendTime                             bool
	TimestampBeforeMaxMs, TimestampAfterMaxMs int64
	MinInsyncReplicas                         int
	// Compression is compression.type; the levels are those of the codecs that have one.
	Compression                    string
	GzipLevel, LZ4Level, ZstdLevel int
	// ProducerIDExpirationMs is the broker's producer.id.expiration.ms, which can be changed at run time.
	ProducerIDExpirationMs int64
	// VerifyTransactions is the broker's transaction.partition.verification.enable, likewise.
	VerifyTransactions bool
	// DeleteRetentionMs, the lags and MinCleanableRatio are for compacted topics.
	DeleteRetentionMs, MinCompactionLagMs, MaxCompactionLagMs int64
	MinCleanableRatio                                         float64
}

// Topic returns what is in force for a topic. Explicit configurations were validated when they were set.
func (c *Config) Topic(explicit map[string]string, d Dynamic) TopicSettings {
	value := func(name string) string {
		e, _ := c.Resource(TopicScope, name, explicit, d)
		return e.Value
	}
	number := func(name string) int64 {
		n, err := strconv.ParseInt(value(name), 10, 64)
		if err != nil {
			n, _ = strconv.ParseInt(c.table.topic[name].Default, 10, 64)
		}
		return n
	}
	ratio, err := strconv.ParseFloat(value("min.cleanable.dirty.ratio"), 64)
	if err != nil {
		ratio, _ = strconv.ParseFloat(c.table.topic["min.cleanable.dirty.ratio"].Default, 64)
	}
	policy := SplitList(value("cleanup.policy"))
	return TopicSettings{
		SegmentBytes: number("segment.bytes"), SegmentMs: number("segment.ms"), SegmentJitterMs: number("segment.jitter.ms"),
		SegmentIndexBytes: number("segment.index.bytes"), IndexIntervalBytes: number("index.interval.bytes"),
		Preallocate: strings.EqualFold(value("preallocate"), "true"),
		RetentionMs: number("retention.ms"), RetentionBytes: number("retention.bytes"), MaxMessageBytes: number("max.message.bytes"),
		FileDeleteDelay: millis(number("file.delete.delay.ms")), FlushMessages: number("flush.messages"), FlushMs: c.flushMs(explicit, d),
		Compact: slices.Contains(policy, "compact"), Delete: slices.Contains(policy, "delete"),
		LogAppendTime:        value("message.timestamp.type") == "LogAppendTime",
		TimestampBeforeMaxMs: number("message.timestamp.before.max.ms"), TimestampAfterMaxMs: number("message.timestamp.after.max.ms"),
		MinInsyncReplicas: int(number("min.insync.replicas")),
		DeleteRetentionMs: number("delete.retention.ms"), MinCleanableRatio: ratio,
		MinCompactionLagMs: number("min.compaction.lag.ms"), MaxCompactionLagMs: number("max.compaction.lag.ms"),
		Compression: value("compression.type"),
		GzipLevel:   int(number("compression.gzip.level")), LZ4Level: int(number("compression.lz4.level")),
		ZstdLevel:              int(number("compression.zstd.level")),
		ProducerIDExpirationMs: c.brokerNumber("producer.id.expiration.ms", d),
		VerifyTransactions:     c.brokerFlag("transaction.partition.verification.enable", d),
	}
}

// brokerNumber is what is in force of a broker's number.
func (c *Config) brokerNumber(name string, d Dynamic) int64 {
	e, _ := c.Broker(name, d)
	n, err := strconv.ParseInt(e.Value, 10, 64)
	if err != nil {
		n, _ = strconv.ParseInt(c.table.broker[name].Default, 10, 64)
	}
	return n
}

// brokerFlag is what is in force of a broker's key that is true or false.
func (c *Config) brokerFlag(name string, d Dynamic) bool {
	e, _ := c.Broker(name, d)
	return strings.EqualFold(e.Value, "true")
}

// flushMs is flush.ms, or log.flush.scheduler.interval.ms where neither it nor log.flush.interval.ms is set.
func (c *Config) flushMs(explicit map[string]string, d Dynamic) int64 {
	e, _ := c.Resource(TopicScope, "flush.ms", explicit, d)
	n, err := strconv.ParseInt(e.Value, 10, 64)
	if err != nil || e.Source == DefaultConfig {
		return c.long("log.flush.scheduler.interval.ms")
	}
	return n
}
