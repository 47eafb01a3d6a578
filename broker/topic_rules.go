package broker

import (
	"strconv"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// topicRules is what the configuration, with what was changed at run time, says of topics.
type topicRules struct {
	config *config.Config
	image  func() *meta.Image
}

var _ TopicRules = (*topicRules)(nil)

// dynamic is what was changed at run time for this broker and for all.
func (r *topicRules) dynamic() config.Dynamic {
	img := r.image()
	return config.Dynamic{
		Broker:  img.Config(meta.ResourceKey{Type: meta.BrokerConfig, Name: strconv.Itoa(int(r.config.Node.ID))}),
		Default: img.Config(meta.ResourceKey{Type: meta.BrokerConfig}),
	}
}

// ValidateTopicConfigs implements handler.TopicDefaults.
func (r *topicRules) ValidateTopicConfigs(configs map[string]string) error {
	if err := r.config.Table().Validate(config.TopicScope, configs); err != nil {
		return wire.Errorf(wire.InvalidConfig, "%w", err)
	}
	if s := r.config.Topic(configs, r.dynamic()); s.Compact && s.MinCompactionLagMs > s.MaxCompactionLagMs {
		return wire.Errorf(wire.InvalidConfig, "conflict topic config setting min.compaction.lag.ms (%d) > max.compaction.lag.ms (%d)", s.MinCompactionLagMs, s.MaxCompactionLagMs)
	}
	return nil
}

// EffectiveTopicConfigs implements handler.TopicDefaults.
func (r *topicRules) EffectiveTopicConfigs(configs map[string]string) []handler.EffectiveConfig {
	dynamic := r.dynamic()
	var out []handler.EffectiveConfig
	for _, name := range r.config.Table().Names(config.TopicScope) {
		e, known := r.config.Resource(config.TopicScope, name, configs, dynamic)
		if !known {
			continue
		}
		shown := handler.EffectiveConfig{Name: name, Source: int8(e.Source), Sensitive: e.Key.Sensitive()}
		if !e.Null && !shown.Sensitive {
			shown.Value = &e.Value
		}
		out = append(out, shown)
	}
	return out
}

// DefaultPartitions implements handler.TopicDefaults.
func (r *topicRules) DefaultPartitions() int { return r.config.Storage.NumPartitions }

// DefaultReplicationFactor implements handler.TopicDefaults.
func (r *topicRules) DefaultReplicationFactor() int { return r.config.Storage.ReplicationFactor }

// AutoCreateTopics implements handler.TopicDefaults.
func (r *topicRules) AutoCreateTopics() bool { return r.config.Storage.AutoCreateTopics }

// DeleteTopicsEnabled implements handler.TopicDefaults.
func (r *topicRules) DeleteTopicsEnabled() bool { return r.config.Storage.DeleteTopics }

// MoveBytesPerSecond implements TopicRules.
func (r *topicRules) MoveBytesPerSecond() int64 { return r.config.MoveBytesPerSecond(r.dynamic()) }

// ReplicaSettings implements TopicRules.
func (r *topicRules) ReplicaSettings(t *meta.Topic) *replica.Settings {
	s := r.config.Topic(t.Configs, r.dynamic())
	if s.Compact {
		s.SegmentMs = min(s.SegmentMs, s.MaxCompactionLagMs) // the active segment is not compacted
	}
	return &replica.Settings{
		Log: storage.LogConfig{
			SegmentBytes: s.SegmentBytes, SegmentMs: s.SegmentMs, SegmentJitterMs: s.SegmentJitterMs,
			IndexBytes: s.SegmentIndexBytes, IndexIntervalBytes: s.IndexIntervalBytes,
			Preallocate: s.Preallocate,
			RetentionMs: s.RetentionMs, RetentionBytes: s.RetentionBytes, MaxMessageBytes: s.MaxMessageBytes,
			FileDeleteDelay: s.FileDeleteDelay, FlushMessages: s.FlushMessages, FlushMs: s.FlushMs, CompactOnly: s.Compact && !s.Delete,
			ProducerIDExpirationMs: s.ProducerIDExpirationMs, VerifyTransactions: s.VerifyTransactions,
			Compact: s.Compact, MinCleanableRatio: s.MinCleanableRatio, DeleteRetentionMs: s.DeleteRetentionMs,
			MinCompactionLagMs: s.MinCompactionLagMs, MaxCompactionLagMs: s.MaxCompactionLagMs,
		},
		LogAppendTime: s.LogAppendTime, BeforeMaxMs: s.TimestampBeforeMaxMs, AfterMaxMs: s.TimestampAfterMaxMs,
		MaxMessageBytes: int(s.MaxMessageBytes), Compacted: s.Compact, HeaderOnly: r.config.Storage.HeaderOnly,
		Compression: compressionOf(&s), MinISR: s.MinInsyncReplicas,
	}
}

// compressionOf is how a topic's batches are stored. producer, the default, keeps them as they come.
func compressionOf(s *config.TopicSettings) record.Compression {
	codecs := map[string]record.Codec{
		"uncompressed": record.None, "gzip": record.Gzip, "snappy": record.Snappy, "lz4": record.LZ4, "zstd": record.Zstd,
	}
	codec, fixed := codecs[s.Compression]
	levels := record.Levels{Gzip: s.GzipLevel, LZ4: s.LZ4Level, Zstd: s.ZstdLevel}
	return record.Compression{Fixed: fixed, Codec: codec, Level: levels.Of(codec)}
}
