//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/test/harness"
)

const (
	baseTimeAt = 27
	maxTimeAt  = 35
	producerAt = 43
	epochAt    = 51
	sequenceAt = 53
)

// TestBatchesAreJudgedAsByKafka sends the same batches, honest ones and others, to topics of the same configurations of this
// broker and of Apache Kafka, and compares the codes, the records that are blamed, and the offsets of what is stored.
func TestBatchesAreJudgedAsByKafka(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	k := harness.StartKafka(t, b)
	topics := map[string][]string{
		"judged-plain":    nil,
		"judged-appended": {"message.timestamp.type=LogAppendTime"},
		"judged-times":    {"message.timestamp.before.max.ms=60000", "message.timestamp.after.max.ms=60000"},
		"judged-small":    {"max.message.bytes=400"},
		"judged-lz4":      {"compression.type=lz4"},
		"judged-keys":     {"cleanup.policy=compact"},
		"judged-plainly":  {"compression.type=uncompressed", "max.message.bytes=400"},
	}
	clients := map[string]*kgo.Client{}
	for _, bootstrap := range []string{b.Bootstrap(), k.Bootstrap()} {
		clients[bootstrap] = franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap))...)
		for topic, configs := range topics {
			args := []string{"--bootstrap-server", bootstrap, "--command-config", b.ClientProperties(), "--create", "--topic", topic}
			for _, c := range configs {
				args = append(args, "--config", c)
			}
			tools.Must(t, topicCommand, args...)
		}
	}
	for topic := range topics {
		for _, c := range judgedBatches(t) {
			t.Run(topic+"/"+c.name, func(t *testing.T) {
				ours := judge(t, clients[b.Bootstrap()], topic, bytes.Clone(c.batch))
				if c.differs {
					if ours.Code != c.code {
						t.Errorf("code %d, want %d", ours.Code, c.code)
					}
					return
				}
				kafkas := judge(t, clients[k.Bootstrap()], topic, bytes.Clone(c.batch))
				if diff := cmp.Diff(kafkas, ours); diff != "" {
					t.Errorf("-Apache Kafka +this broker:\n%s", diff)
				}
			})
		}
	}
}

// judgement is what a producer is told of a batch.
type judgement struct {
	Code     int16
	Base     int64
	Appended bool // there is a time of the append
	Blamed   []int32
}

func judge(t *testing.T, client *kgo.Client, topic string, batch []byte) judgement {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	q := kmsg.NewPtrProduceRequest()
	q.Acks, q.TimeoutMillis = -1, 5000
	q.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch}}}}
	q.SetVersion(12) // the last that names topics
	resp, err := client.Broker(1).RetriableRequest(ctx, versioned{q})
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	p := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	out := judgement{Code: p.ErrorCode, Base: p.BaseOffset, Appended: p.LogAppendTime >= 0}
	for _, r := range p.ErrorRecords {
		out.Blamed = append(out.Blamed, r.RelativeOffset)
	}
	return out
}

// versioned keeps the client from a later version.
type versioned struct{ *kmsg.ProduceRequest }

// MaxVersion implements kmsg.Request.
func (v versioned) MaxVersion() int16 { return 12 }

type judged struct {
	name  string
	batch []byte
	// differs says that this broker refuses with this code what Apache Kafka stores, or answers with UNKNOWN_SERVER_ERROR.
	differs bool
	code    int16
}

func judgedBatches(t *testing.T) []judged {
	t.Helper()
	const unsupportedCodec, invalidRecord = 76, 87
	now := time.Now().UnixMilli()
	three := func(times ...int64) record.Batch {
		var b record.Builder
		for i, at := range times {
			b.Add(at, fmt.Appendf(nil, "key-%d", i), bytes.Repeat([]byte("v"), 20))
		}
		return b.Batch()
	}
	honest := func() record.Batch { return three(now, now-5, now+5) }
	as := func(codec record.Codec, from record.Batch) record.Batch {
		out, err := record.NewWalker().Encode(nil, from, codec, 3, from.Records())
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	set := func(b record.Batch, at int, value ...byte) record.Batch {
		copy(b[at:], value)
		return signed(b)
	}
	time64 := func(at int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(at)) }
	keyless := func() record.Batch {
		var b record.Builder
		b.Add(now, []byte("k"), []byte("v"))
		b.Add(now, nil, []byte("v"))
		b.Add(now+86_400_000, nil, nil)
		return b.Batch()
	}
	wide := func(n int) record.Batch {
		var b record.Builder
		b.Add(now, []byte("k"), make([]byte, n))
		return b.Batch()
	}
	claim := func(from record.Batch, codec byte) record.Batch { // says that it is compressed, and is not
		return set(from, attributesAt+1, codec)
	}
	long := set(append(honest(), 0), 11, byte(len(honest())+1-12)) // one byte after the last record
	list := []judged{
		{name: "honest", batch: honest()},
		{name: "no times", batch: three(-1, -1, -1)},
		{name: "no keys", batch: keyless()},
		{name: "no keys, lz4", batch: as(record.LZ4, keyless())},
		{name: "largest time is wrong", batch: set(honest(), maxTimeAt, time64(now+1_000_000)...)},
		{name: "times far apart", batch: three(now-3_600_000, now, now+3_600_000-10_000)},
		{name: "a time of yesterday", batch: three(now, now-86_400_000, now)},
		{name: "a time of tomorrow", batch: three(now, now, now+86_400_000)},
		{name: "times of tomorrow", batch: three(now+86_400_000, now+86_400_000)},
		{name: "one without a time among others", batch: three(now, -1, now)},
		{name: "append time", batch: set(honest(), attributesAt+1, 1<<3)},
		{name: "control", batch: set(honest(), attributesAt+1, 1<<5)},
		{name: "base offset", batch: set(honest(), 7, 1)},
		{name: "count too high", batch: set(honest(), countAt+3, 4)},
		{name: "count too low", batch: set(honest(), countAt+3, 2)},
		{name: "count 0", batch: set(honest(), countAt+3, 0)},
		{name: "count negative", batch: set(honest(), countAt, 0xff)},
		{name: "count and delta too high", batch: set(set(honest(), countAt+3, 4), lastDeltaAt+3, 3)},
		{name: "count and delta too low", batch: set(set(honest(), countAt+3, 2), lastDeltaAt+3, 1)},
		{name: "delta negative", batch: set(honest(), lastDeltaAt, 0xff)},
		{name: "checksum", batch: edit(honest(), crcAt, honest()[crcAt]+1)},
		{name: "magic 0", batch: edit(honest(), 16, 0)},
		{name: "magic 1", batch: edit(honest(), 16, 1)},
		{name: "magic 3", batch: edit(honest(), 16, 3)},
		{name: "producer without sequence", batch: set(honest(), producerAt, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0)},
		{name: "codec 5", batch: set(honest(), attributesAt+1, 5), differs: true, code: unsupportedCodec},
		{name: "codec 7", batch: set(honest(), attributesAt+1, 7), differs: true, code: unsupportedCodec},
		{name: "delete horizon", batch: set(honest(), attributesAt+1, 1<<6), differs: true, code: invalidRecord},
		{name: "unknown attribute", batch: set(honest(), attributesAt+1, 1<<7), differs: true, code: invalidRecord},
		{name: "unknown high attribute", batch: set(honest(), attributesAt, 1), differs: true, code: invalidRecord},
		{name: "producer without epoch", batch: set(honest(), producerAt, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0, 0, 0, 0), differs: true, code: invalidRecord},
		{name: "offset delta", batch: set(honest(), recordsAt+3, 8), differs: true, code: invalidRecord},
		{name: "two batches", batch: append(honest(), honest()...)},
		{name: "half a header", batch: honest()[:30]},
		{name: "cut short", batch: honest()[:len(honest())-1]},
		{name: "a byte after the records", batch: long},
		{name: "400 bytes", batch: wide(400 - 61 - 12)},
		{name: "450 bytes", batch: wide(450)},
		{name: "large and well compressed", batch: as(record.Zstd, wide(5000))},
	}
	for codec := record.Gzip; codec <= record.Zstd; codec++ {
		list = append(list,
			judged{name: codec.String(), batch: as(codec, honest())},
			judged{name: codec.String() + ", tomorrow", batch: as(codec, three(now, now, now+86_400_000))},
			judged{name: codec.String() + ", count too high", batch: set(as(codec, honest()), countAt+3, 4)},
			judged{name: codec.String() + ", count and delta too high", batch: set(set(as(codec, honest()), countAt+3, 4), lastDeltaAt+3, 3)},
			judged{name: codec.String() + ", count and delta too low", batch: set(set(as(codec, honest()), countAt+3, 2), lastDeltaAt+3, 1)},
			judged{name: "plain as " + codec.String(), batch: claim(honest(), byte(codec)), differs: true, code: invalidRecord},
		)
	}
	slices.SortFunc(list, func(a, b judged) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	return list
}
