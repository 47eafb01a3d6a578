package storage

import (
	"log/slog"
	"math"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// Defaults of Config.
const (
	// DefaultCheckpointBytes is how much the journal may hold before segments are made durable: it bounds the time that a
	// replay takes.
	DefaultCheckpointBytes = 256 << 20
	// DefaultCheckpointInterval is log.flush.offset.checkpoint.interval.ms of Apache Kafka.
	DefaultCheckpointInterval = 60 * time.Second
	// DefaultProducerIDExpiration is producer.id.expiration.ms of Apache Kafka.
	DefaultProducerIDExpiration = 24 * time.Hour
	// DefaultProducerIDExpirationInterval is producer.id.expiration.check.interval.ms of Apache Kafka.
	DefaultProducerIDExpirationInterval = 10 * time.Minute
	// DefaultRecoveryThreads is num.recovery.threads.per.data.dir of Apache Kafka.
	DefaultRecoveryThreads = 2
)

// Config says how a log directory is opened. FS, Dir and Logger are required.
type Config struct {
	FS vfs.FS
	// Dir is the log directory, one entry of log.dirs.
	Dir string
	// FlushPolicy says when an append is confirmed (chronik.flush.policy); the zero value is journal.FlushAcks.
	FlushPolicy journal.FlushPolicy
	// FlushInterval is how often the journal is made durable under journal.FlushInterval.
	FlushInterval time.Duration
	// FlushCheckInterval is how often it is looked for logs to flush by time (log.flush.scheduler.interval.ms); a second at most,
	// which 0 means.
	FlushCheckInterval time.Duration
	// JournalFileBytes is the size of one journal file; 0 means journal.DefaultFileBytes.
	JournalFileBytes int64
	// ReferenceBytes is the size from which a batch goes round the journal; 0 means DefaultReferenceBytes.
	ReferenceBytes int64
	// CheckpointBytes and CheckpointInterval pace the background checkpoint; 0 means the defaults.
	CheckpointBytes    int64
	CheckpointInterval time.Duration
	// ProducerIDExpiration is how long an idle producer is remembered; 0 means the default.
	ProducerIDExpiration time.Duration
	// ProducerIDExpirationInterval is how often idle producers are looked for; 0 means the default.
	ProducerIDExpirationInterval time.Duration
	// DefaultLogConfig serves the logs that are found on disk, until SetConfig.
	DefaultLogConfig LogConfig
	// ReserveBytes is the space that the directory keeps for a full disk; 0 means none.
	ReserveBytes int64
	// Cordoned directories take no new partitions.
	Cordoned bool
	// BrokerEpoch is written into the clean-shutdown marker; -1 or 0 where there is none.
	BrokerEpoch int64
	// Cache bounds what segments keep open; several directories may share one. nil means one of this directory, with its defaults.
	Cache  *SegmentCache
	Clock  func() time.Time
	Logger *slog.Logger
	// RecoveryThreads is how many logs are loaded at once (num.recovery.threads.per.data.dir); 0 means DefaultRecoveryThreads.
	RecoveryThreads int
	// FilesOnly has a checkpoint sync files alone, where it would sync the volume when there are many of them.
	FilesOnly bool
	// volumeLogs is from how many logs on that is; 0 means defaultVolumeLogs.
	volumeLogs int
	// snapshotBytes is how much is appended before a checkpoint writes a producer snapshot; 0 means defaultSnapshotBytes.
	snapshotBytes int64
	// syncsAtOnce is how many logs, or files that the journal's frames rest on, are synced at a time; 0 means as many as the journal
	// syncs by default.
	syncsAtOnce int
}

func (c *Config) setDefaults() {
	if c.CheckpointBytes == 0 {
		c.CheckpointBytes = DefaultCheckpointBytes
	}
	if c.FlushCheckInterval == 0 {
		c.FlushCheckInterval = maxFlushCheckInterval
	}
	c.FlushCheckInterval = max(min(c.FlushCheckInterval, maxFlushCheckInterval), time.Millisecond)
	if c.ReferenceBytes == 0 {
		c.ReferenceBytes = DefaultReferenceBytes
	}
	if c.CheckpointInterval == 0 {
		c.CheckpointInterval = DefaultCheckpointInterval
	}
	if c.ProducerIDExpiration == 0 {
		c.ProducerIDExpiration = DefaultProducerIDExpiration
	}
	if c.ProducerIDExpirationInterval == 0 {
		c.ProducerIDExpirationInterval = DefaultProducerIDExpirationInterval
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.snapshotBytes == 0 {
		c.snapshotBytes = defaultSnapshotBytes
	}
	if c.volumeLogs == 0 {
		c.volumeLogs = defaultVolumeLogs
	}
	if c.syncsAtOnce == 0 {
		c.syncsAtOnce = journal.DefaultSyncsAtOnce
	}
	if c.RecoveryThreads == 0 {
		c.RecoveryThreads = DefaultRecoveryThreads
	}
	if c.DefaultLogConfig == (LogConfig{}) {
		c.DefaultLogConfig = DefaultLogConfig()
	}
}

// LogConfig is what a topic's configuration says to its logs. Names and meanings are those of Apache Kafka's LogConfig.
type LogConfig struct {
	// SegmentBytes is segment.bytes: a segment does not grow beyond it.
	SegmentBytes int64
	// SegmentMs is segment.ms, in milliseconds; SegmentJitterMs is the random part that is taken off it.
	SegmentMs, SegmentJitterMs int64
	// Preallocate is preallocate: a segment gets the space of SegmentBytes at once, where the disk has it.
	Preallocate bool
	// IndexBytes is segment.index.bytes, IndexIntervalBytes is index.interval.bytes.
	IndexBytes, IndexIntervalBytes int64
	// RetentionMs is retention.ms and RetentionBytes is retention.bytes; negative means without bound.
	RetentionMs, RetentionBytes int64
	// MaxMessageBytes is max.message.bytes: the size of a batch from a client or a coordinator.
	MaxMessageBytes int64
	// FlushMessages is flush.messages and FlushMs is flush.ms: after so many records, or so many milliseconds, what the flush policy
	// has confirmed without the disk is brought there. 0 and below mean never.
	FlushMessages, FlushMs int64
	// FileDeleteDelay is file.delete.delay.ms: how long the files of a deleted segment or partition stay.
	FileDeleteDelay time.Duration
	// CompactOnly is cleanup.policy without "delete": only the log start removes segments.
	CompactOnly bool
	// Compact is cleanup.policy with "compact".
	Compact bool
	// MinCleanableRatio is min.cleanable.dirty.ratio, the share of a log that has to be dirty before it is compacted.
	MinCleanableRatio float64
	// MinCompactionLagMs and MaxCompactionLagMs are min.compaction.lag.ms and max.compaction.lag.ms.
	MinCompactionLagMs, MaxCompactionLagMs int64
	// DeleteRetentionMs is delete.retention.ms: how long compaction leaves tombstones and transaction markers.
	DeleteRetentionMs int64
	// ProducerIDExpirationMs is producer.id.expiration.ms as it was changed at run time; 0 means that of the directory, which holds
	// while logs are loaded.
	ProducerIDExpirationMs int64
	// VerifyTransactions is transaction.partition.verification.enable: the first batch of a transaction needs the guard of
	// StartVerification.
	VerifyTransactions bool
}

// DefaultLogConfig has the values of Apache Kafka's defaults.
func DefaultLogConfig() LogConfig {
	return LogConfig{
		SegmentBytes:       1 << 30,
		SegmentMs:          7 * 24 * time.Hour.Milliseconds(),
		IndexBytes:         10 << 20,
		IndexIntervalBytes: 4096,
		RetentionMs:        7 * 24 * time.Hour.Milliseconds(),
		RetentionBytes:     -1,
		MaxMessageBytes:    1<<20 + 12,
		FileDeleteDelay:    time.Minute,
		MinCleanableRatio:  0.5,
		MaxCompactionLagMs: math.MaxInt64,
		DeleteRetentionMs:  24 * time.Hour.Milliseconds(),
		VerifyTransactions: true,
	}
}
