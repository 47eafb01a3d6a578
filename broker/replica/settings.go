package replica

import (
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
)

// Settings are a topic's effective configuration, as its replicas need it. They are immutable.
type Settings struct {
	Log storage.LogConfig
	// LogAppendTime, BeforeMaxMs, AfterMaxMs and MaxMessageBytes are what is asked of clients' batches.
	LogAppendTime           bool
	BeforeMaxMs, AfterMaxMs int64
	MaxMessageBytes         int
	// Compacted asks for keys.
	Compacted bool
	// Compression is compression.type with its level.
	Compression record.Compression
	// HeaderOnly is chronik.record.validation=header.
	HeaderOnly bool
	// MinISR is min.insync.replicas.
	MinISR int
}

func (s *Settings) rules(nowMs int64, zstd bool) record.Rules {
	return record.Rules{
		MaxBytes: s.MaxMessageBytes, LogAppendTime: s.LogAppendTime, Now: nowMs, BeforeMax: s.BeforeMaxMs, AfterMax: s.AfterMaxMs,
		KeysRequired: s.Compacted, HeaderOnly: s.HeaderOnly && !s.Compacted, ZstdAllowed: zstd,
		Compression: s.Compression,
	}
}
