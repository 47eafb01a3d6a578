package broker

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/storage"
)

// TestEveryKeyOfATopicReachesItsLog gives each key a value of its own, so that none can be left out or take another's place.
func TestEveryKeyOfATopicReachesItsLog(t *testing.T) {
	want := replica.Settings{
		Log: storage.LogConfig{
			SegmentBytes: 1_048_577, SegmentMs: 2, SegmentJitterMs: 3, Preallocate: true, IndexBytes: 4, IndexIntervalBytes: 5,
			RetentionMs: 6, RetentionBytes: 7, MaxMessageBytes: 8, FlushMessages: 9, FlushMs: 10, FileDeleteDelay: 11 * time.Millisecond,
			Compact: true, MinCleanableRatio: 0.12, MinCompactionLagMs: 13, MaxCompactionLagMs: 14, DeleteRetentionMs: 15,
			ProducerIDExpirationMs: 16, VerifyTransactions: true,
		},
		LogAppendTime: true, BeforeMaxMs: 17, AfterMaxMs: 18, MaxMessageBytes: 8, Compacted: true, HeaderOnly: true,
		Compression: record.Compression{Fixed: true, Codec: record.Zstd, Level: 19}, MinISR: 20,
	}
	topic := &meta.Topic{Name: "t", Configs: map[string]string{
		"segment.bytes": "1048577", "segment.ms": "2", "segment.jitter.ms": "3", "preallocate": "true", "segment.index.bytes": "4",
		"index.interval.bytes": "5", "retention.ms": "6", "retention.bytes": "7", "max.message.bytes": "8", "flush.messages": "9",
		"flush.ms": "10", "file.delete.delay.ms": "11", "cleanup.policy": "compact,delete", "min.cleanable.dirty.ratio": "0.12",
		"min.compaction.lag.ms": "13", "max.compaction.lag.ms": "14", "delete.retention.ms": "15",
		"message.timestamp.type": "LogAppendTime", "message.timestamp.before.max.ms": "17", "message.timestamp.after.max.ms": "18",
		"compression.type": "zstd", "compression.zstd.level": "19", "min.insync.replicas": "20",
	}}
	rules := options(t, map[string]string{"producer.id.expiration.ms": "16", "chronik.record.validation": "header"}).Topics(meta.NewImage)
	if err := rules.ValidateTopicConfigs(topic.Configs); err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		if diff := cmp.Diff(&want, rules.ReplicaSettings(topic)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	check("compact,delete")
	topic.Configs["cleanup.policy"], want.Log.CompactOnly = "compact", true
	check("compact")
	// An active segment is not compacted, so that it ends in time for that.
	topic.Configs["segment.ms"], want.Log.SegmentMs = "100", 14
	check("a compacted topic of long segments")
	topic.Configs["cleanup.policy"], want.Log.CompactOnly, want.Log.Compact, want.Compacted = "delete", false, false, false
	want.Log.SegmentMs = 100
	check("delete")
}

// TestTransactionsAreVerifiedUnlessTheBrokersKeySaysNot: the one key of a log that is true by default.
func TestTransactionsAreVerifiedUnlessTheBrokersKeySaysNot(t *testing.T) {
	for _, want := range []bool{true, false} {
		rules := options(t, map[string]string{"transaction.partition.verification.enable": strconv.FormatBool(want)}).Topics(meta.NewImage)
		if got := rules.ReplicaSettings(&meta.Topic{Name: "t"}).Log.VerifyTransactions; got != want {
			t.Errorf("%t in place of %t", got, want)
		}
	}
}

func TestCompressionOfATopic(t *testing.T) {
	s := config.TopicSettings{GzipLevel: 7, LZ4Level: 8, ZstdLevel: 9}
	for name, want := range map[string]record.Compression{
		"producer":     {},
		"uncompressed": {Fixed: true, Codec: record.None},
		"gzip":         {Fixed: true, Codec: record.Gzip, Level: 7},
		"snappy":       {Fixed: true, Codec: record.Snappy},
		"lz4":          {Fixed: true, Codec: record.LZ4, Level: 8},
		"zstd":         {Fixed: true, Codec: record.Zstd, Level: 9},
	} {
		s.Compression = name
		if got := compressionOf(&s); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
