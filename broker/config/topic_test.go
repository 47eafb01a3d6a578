package config

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValidateTopics(t *testing.T) {
	table := NewTable()
	accepted := map[string]string{
		"retention.ms": " 1000 ", "segment.bytes": "1048576", "cleanup.policy": "delete", "compression.type": "producer",
		"unclean.leader.election.enable": "False", "preallocate": "false", "flush.ms": "9223372036854775807", "min.insync.replicas": "2",
	}
	if err := table.Validate(TopicScope, accepted); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct{ key, value, want string }{
		"unknown":      {"no.such.key", "1", "Unknown topic config name: no.such.key"},
		"internal":     {"internal.segment.bytes", "1", "Unknown topic config name"},
		"broker's":     {"log.retention.ms", "1", "Unknown topic config name: log.retention.ms (the nearest known one is "},
		"type":         {"retention.ms", "soon", "Invalid value soon for configuration retention.ms: Not a number of type LONG"},
		"range":        {"segment.bytes", "1", "Invalid value 1 for configuration segment.bytes: Value must be at least 1048576"},
		"choice":       {"cleanup.policy", "foo", "String must be one of: compact, delete"},
		"not acted on": {"remote.storage.enable", "true", "Invalid value true for configuration remote.storage.enable: This key is not acted on"},
	} {
		err := table.Validate(TopicScope, map[string]string{test.key: test.value})
		if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), test.want) && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %s", name, err, test.want)
		}
	}
}

func TestEffectiveTopicConfigs(t *testing.T) {
	c := mustLoad(t, loopback+"log.retention.hours=100\nlog.segment.bytes=536870912\nlog.cleaner.delete.retention.ms=5\n")
	explicit := map[string]string{"retention.ms": "1000", "segment.bytes": "2097152"}
	dynamic := Dynamic{Broker: map[string]string{"log.retention.ms": "5000"}, Default: map[string]string{"log.segment.bytes": "3145728"}}
	// What Apache Kafka 4.3.1 answers to the same, and without the dynamic configurations.
	check := func(name string, explicit map[string]string, d Dynamic, want Effective) {
		t.Helper()
		got, known := c.Resource(TopicScope, name, explicit, d)
		got.Key = nil
		if diff := cmp.Diff(want, got); diff != "" || !known {
			t.Errorf("%s (known %t): %s", name, known, diff)
		}
	}
	check("retention.ms", explicit, dynamic, Effective{Value: "1000", Source: DynamicTopic, Synonyms: []Synonym{
		{"retention.ms", "1000", DynamicTopic},
		{"log.retention.ms", "5000", DynamicBroker},
		{"log.retention.hours", "100", StaticBroker},
		{"log.retention.hours", "168", DefaultConfig},
	}})
	check("segment.bytes", explicit, dynamic, Effective{Value: "2097152", Source: DynamicTopic, Synonyms: []Synonym{
		{"segment.bytes", "2097152", DynamicTopic},
		{"log.segment.bytes", "3145728", DynamicDefaultBroker},
		{"log.segment.bytes", "536870912", StaticBroker},
		{"log.segment.bytes", "1073741824", DefaultConfig},
	}})
	check("retention.ms", explicit, Dynamic{}, Effective{Value: "1000", Source: DynamicTopic, Synonyms: []Synonym{{"retention.ms", "1000", DynamicTopic}}})
	check("retention.ms", nil, Dynamic{}, Effective{Value: "360000000", Source: DefaultConfig})
	check("segment.ms", nil, Dynamic{}, Effective{Value: "604800000", Source: DefaultConfig})
	check("cleanup.policy", nil, Dynamic{}, Effective{Value: "delete", Source: DefaultConfig, Synonyms: []Synonym{{"log.cleanup.policy", "delete", DefaultConfig}}})
	check("delete.retention.ms", nil, Dynamic{}, Effective{
		Value: "5", Source: StaticBroker, Synonyms: []Synonym{
			{"log.cleaner.delete.retention.ms", "5", StaticBroker}, {"log.cleaner.delete.retention.ms", "86400000", DefaultConfig},
		},
	})

	s := c.Topic(map[string]string{"cleanup.policy": "compact", "file.delete.delay.ms": "9223372036854775807"}, dynamic)
	if s.RetentionMs != 5000 || s.SegmentBytes != 3145728 || s.SegmentMs != 604800000 || !s.Compact || s.Delete || s.LogAppendTime {
		t.Errorf("settings are %+v", s)
	}
	if s.DeleteRetentionMs != 5 || s.MinCleanableRatio != 0.5 || s.MinCompactionLagMs != 0 || s.MaxCompactionLagMs != math.MaxInt64 {
		t.Errorf("settings of compaction are %+v", s)
	}
	if s.FileDeleteDelay < 100*365*24*time.Hour {
		t.Errorf("a long delay became %s", s.FileDeleteDelay)
	}
	if s.Compression != "producer" || s.GzipLevel != -1 || s.LZ4Level != 9 || s.ZstdLevel != 3 {
		t.Errorf("compression is %s, levels %d, %d, %d", s.Compression, s.GzipLevel, s.LZ4Level, s.ZstdLevel)
	}
	s = c.Topic(map[string]string{"compression.lz4.level": "17"}, Dynamic{Default: map[string]string{"compression.type": "lz4", "compression.zstd.level": "-5"}})
	if s.Compression != "lz4" || s.LZ4Level != 17 || s.ZstdLevel != -5 {
		t.Errorf("compression by the topic and by all brokers' configuration is %s, levels %d, %d", s.Compression, s.LZ4Level, s.ZstdLevel)
	}
}

func TestEffectiveBrokerConfigs(t *testing.T) {
	c := mustLoad(t, loopback+"node.id=1\nlog.retention.hours=100\nlistener.name.plaintext.ssl.key.password=hush\n")
	dynamic := Dynamic{Broker: map[string]string{"log.retention.ms": "5000"}}
	for name, want := range map[string]Effective{
		"log.retention.ms": {Value: "5000", Source: DynamicBroker, Synonyms: []Synonym{
			{"log.retention.ms", "5000", DynamicBroker}, {"log.retention.hours", "100", StaticBroker}, {"log.retention.hours", "168", DefaultConfig},
		}},
		"log.retention.minutes": {Null: true, Source: DefaultConfig},
		"broker.id":             {Value: "1", Source: StaticBroker, Synonyms: []Synonym{{"broker.id", "1", StaticBroker}, {"broker.id", "-1", DefaultConfig}}},
		"log.dirs":              {Null: true, Source: DefaultConfig},
		"listener.name.plaintext.ssl.key.password": {
			Value: "hush", Source: StaticBroker, Synonyms: []Synonym{{"listener.name.plaintext.ssl.key.password", "hush", StaticBroker}},
		},
	} {
		got, known := c.Broker(name, dynamic)
		got.Key = nil
		if diff := cmp.Diff(want, got); diff != "" || !known {
			t.Errorf("%s (known %t): %s", name, known, diff)
		}
	}
	if _, known := c.Broker("no.such.key", dynamic); known {
		t.Error("an unknown key is known")
	}
}

func TestJAASIsReadOrRefused(t *testing.T) {
	for text, want := range map[string]map[string]string{
		plainModule + ` required;`:                                  {},
		plainModule + ` required user_a="1" user_b='2' username=x;`: {"user_a": "1", "user_b": "2", "username": "x"},
	} {
		m, err := parseJAAS(text)
		if err != nil || m.class != plainModule || !cmp.Equal(m.options, want) {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
	for _, text := range []string{"", ";", "a;", "a b;", "a required", "a required x;", "a required x=;", `a required x="y;`, `a required x="\`, "a required x=y z;"} {
		if m, err := parseJAAS(text); err == nil {
			t.Errorf("%q was read as %+v", text, m)
		}
	}
}

// TestFlushSettings: flush.ms, log.flush.interval.ms, log.flush.scheduler.interval.ms, the first that is set.
func TestFlushSettings(t *testing.T) {
	for _, test := range []struct {
		text         string
		explicit     map[string]string
		messages, ms int64
	}{
		{"", nil, math.MaxInt64, math.MaxInt64},
		{"log.flush.scheduler.interval.ms=3000\n", nil, math.MaxInt64, 3000},
		{"log.flush.scheduler.interval.ms=3000\nlog.flush.interval.ms=2000\nlog.flush.interval.messages=20\n", nil, 20, 2000},
		{"log.flush.interval.ms=2000\nlog.flush.interval.messages=20\n", map[string]string{"flush.ms": "1000", "flush.messages": "10"}, 10, 1000},
	} {
		c := mustLoad(t, loopback+test.text)
		if err := c.Table().Validate(TopicScope, test.explicit); err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
		if s := c.Topic(test.explicit, Dynamic{}); s.FlushMessages != test.messages || s.FlushMs != test.ms {
			t.Errorf("%q %v: flush.messages %d, flush.ms %d", test.text, test.explicit, s.FlushMessages, s.FlushMs)
		}
	}
}
