//go:build interop

package interop

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestTopicCompression gives topics a compression of their own, at the ends of its levels, writes to them with every codec, and
// asks Apache Kafka's DumpLogSegments and every client what is stored.
func TestTopicCompression(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	for _, configs := range []string{
		"compression.type=uncompressed", "compression.type=snappy",
		"compression.type=gzip", "compression.type=gzip,compression.gzip.level=1", "compression.type=gzip,compression.gzip.level=9",
		"compression.type=lz4", "compression.type=lz4,compression.lz4.level=1", "compression.type=lz4,compression.lz4.level=17",
		"compression.type=zstd", "compression.type=zstd,compression.zstd.level=-131072", "compression.type=zstd,compression.zstd.level=22",
	} {
		t.Run(configs, func(t *testing.T) {
			topic := strings.NewReplacer("compression.", "", "=", "-", ",", ".").Replace(configs)
			args := []string{"--create", "--topic", topic}
			for config := range strings.SplitSeq(configs, ",") {
				args = append(args, "--config", config)
			}
			admin(t, b, topicCommand, args...)
			records := produceWithEveryCodec(t, b, topic)
			_, codec, _ := strings.Cut(strings.Split(configs, ",")[0], "=")
			storedCodec(t, b, topic, strings.Replace(codec, "uncompressed", "none", 1), len(records))
			var want []string
			for _, r := range records {
				want = append(want, string(r.Value))
			}
			for name, read := range saslReaders(t, b, "SCRAM-SHA-512") {
				if got := read(t, topic, len(want)); !slices.Equal(got, want) {
					t.Errorf("%s read %d records that differ from the %d written", name, len(got), len(want))
				}
			}
			sameRecords(t, b, topic, records)
		})
	}
}

// produceWithEveryCodec writes batches with each codec from idempotent producers, and returns the records in their order. Keys and
// headers are null here and there; one value is larger than the blocks of snappy and lz4.
func produceWithEveryCodec(t *testing.T, b *harness.Broker, topic string) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var all []*kgo.Record
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))...)
		var batch []*kgo.Record
		for i := range 30 {
			r := &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%s-%d-%s", name, i, strings.Repeat("x", i*i)), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i%7))}
			switch i % 4 {
			case 2:
				r.Key, r.Headers = fmt.Appendf(nil, "key-%d", i), []kgo.RecordHeader{{Key: "h", Value: []byte("v")}, {Key: "null"}, {Key: "", Value: []byte{}}}
			case 3:
				r.Value = append(r.Value, bytes.Repeat([]byte(name), 40_000*(i/27))...)
			}
			batch = append(batch, r)
		}
		if err := client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, batch...)
	}
	return all
}

// sameRecords compares all that a record has with what is read.
func sameRecords(t *testing.T, b *harness.Broker, topic string, want []*kgo.Record) {
	t.Helper()
	type all struct {
		Offset, Time int64
		Key, Value   []byte
		Headers      []kgo.RecordHeader
	}
	of := func(r *kgo.Record) all { return all{r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, r.Headers} }
	next := 0
	readFrom(t, b, topic, 0, func(r *kgo.Record) {
		if next < len(want) {
			if diff := cmp.Diff(of(want[next]), of(r)); diff != "" {
				t.Errorf("record %d: %s", next, diff)
			}
		}
		next++
	})
	if next != len(want) {
		t.Errorf("%d records, want %d", next, len(want))
	}
}

// TestCompressionIsChangedAtRunTime by the topic's configuration and by that of all brokers, with kafka-configs.
func TestCompressionIsChangedAtRunTime(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "changed", 1)
	write := func(value string) {
		franzProduce(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ProducerBatchCompression(kgo.NoCompression())), "changed", []string{value})
	}
	brokers := []string{"--entity-type", "brokers", "--entity-default", "--alter"}
	topic := []string{"--entity-type", "topics", "--entity-name", "changed", "--alter"}
	write("none")
	admin(t, b, configCommand, append(brokers, "--add-config", "compression.type=zstd")...)
	write("zstd")
	admin(t, b, configCommand, append(topic, "--add-config", "compression.type=gzip,compression.gzip.level=2")...)
	write("gzip")
	admin(t, b, configCommand, append(topic, "--delete-config", "compression.type")...)
	write("zstd")
	admin(t, b, configCommand, append(brokers, "--delete-config", "compression.type")...)
	write("none")
	fails(t, b, "compression.lz4.level", configCommand, append(topic, "--add-config", "compression.lz4.level=18")...)

	out := dumped(t, "--deep-iteration", "--files", b.Dir+"/data/changed-0/00000000000000000000.log")
	wholesome(t, out)
	var codecs []string
	for line := range strings.Lines(out) {
		if _, after, found := strings.Cut(line, "compresscodec: "); found {
			codecs = append(codecs, strings.Fields(after)[0])
		}
	}
	if want := []string{"none", "zstd", "gzip", "zstd", "none"}; !slices.Equal(codecs, want) {
		t.Errorf("stored with %q, want %q", codecs, want)
	}
	var read []string
	readFrom(t, b, "changed", 0, func(r *kgo.Record) { read = append(read, string(r.Value)) })
	if !slices.Equal(read, codecs) {
		t.Errorf("read %q", read)
	}
}
