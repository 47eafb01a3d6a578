//go:build interop

package interop

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/test/harness"
)

// TestOffsetsAreListedAsByKafka writes the same batches to this broker and to Apache Kafka and asks both for every kind of
// offset and for times at, before, between and behind those of the records.
func TestOffsetsAreListedAsByKafka(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	k := harness.StartKafka(t, b)
	logs := timedLogs(t)
	clients := map[string]*kgo.Client{}
	for _, bootstrap := range []string{b.Bootstrap(), k.Bootstrap()} {
		clients[bootstrap] = franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap))...)
		for i := range logs {
			logs[i].write(t, b, bootstrap, clients[bootstrap])
		}
	}
	for i := range logs {
		l := &logs[i]
		for _, version := range []int16{1, 4, 6, 7, 8, 9, 10, 11} {
			questions := l.questions()
			if version < 10 {
				questions = questions[:min(len(questions), 9)] // those that are no times, or far from all
			}
			for _, question := range questions {
				kafkas := l.list(t, clients[k.Bootstrap()], version, question)
				ours := l.list(t, clients[b.Bootstrap()], version, question)
				if diff := cmp.Diff(kafkas, ours); diff != "" {
					t.Errorf("%s, version %d, timestamp %d: -Apache Kafka +this broker:\n%s", l.topic, version, question, diff)
				}
			}
		}
	}
}

// timedLog is what is written to a topic.
type timedLog struct {
	topic   string
	configs []string
	batches []record.Batch
	times   []int64
	// deleteBefore is where DeleteRecords cuts.
	deleteBefore int
	// clock says that the times are the brokers' own: they are not compared.
	clock bool
}

func (l *timedLog) add(t *testing.T, codec record.Codec, padding int, times ...int64) {
	t.Helper()
	var b record.Builder
	for i, at := range times {
		b.Add(at, fmt.Appendf(nil, "key-%d", i), make([]byte, padding))
	}
	plain := b.Batch()
	out, err := record.NewWalker().Encode(nil, plain, codec, 3, plain.Records())
	if err != nil {
		t.Fatal(err)
	}
	l.batches, l.times = append(l.batches, out), append(l.times, times...)
}

func timedLogs(t *testing.T) []timedLog {
	t.Helper()
	const start = 1_700_000_000_000
	empty, untimed := timedLog{topic: "listed-empty"}, timedLog{topic: "listed-untimed"}
	untimed.add(t, record.None, 0, -1, -1)
	codecs := timedLog{topic: "listed-codecs"}
	shuffled := []int64{start + 50, start + 10, start + 90, start + 90, start + 30}
	for codec := record.None; codec <= record.Zstd; codec++ {
		for i := range shuffled {
			shuffled[i] += int64(codec) * 20
		}
		codecs.add(t, codec, 100, shuffled...)
	}
	appended := timedLog{topic: "listed-appended", configs: []string{"message.timestamp.type=LogAppendTime"}, clock: true}
	appended.add(t, record.LZ4, 10, start+5, start)
	appended.add(t, record.None, 10, start+9, start+1)
	converted := timedLog{topic: "listed-converted", configs: []string{"compression.type=zstd"}}
	converted.add(t, record.None, 10, start+9, start+1, start+20)
	converted.add(t, record.Gzip, 10, start+3, start+20, start+2)
	// Segments of which a later one has earlier times than those before it.
	segments := timedLog{topic: "listed-segments", configs: []string{"segment.bytes=1048576", "index.interval.bytes=4096"}}
	for i := range 36 {
		at := int64(start + i*10)
		if i/6%2 == 1 {
			at -= 1_000_000
		}
		segments.add(t, record.None, 40_000, at, at+5, at-5, at+3, at)
	}
	deleted, middle := segments, codecs
	deleted.topic, deleted.deleteBefore = "listed-deleted", 63
	middle.topic, middle.deleteBefore = "listed-middle", 7
	newest := codecs
	newest.topic, newest.deleteBefore = "listed-newest", 24 // the record of the largest time goes
	all := codecs
	all.topic, all.deleteBefore = "listed-all", 25
	return []timedLog{empty, untimed, codecs, appended, converted, segments, deleted, middle, newest, all}
}

func (l *timedLog) write(t *testing.T, b *harness.Broker, bootstrap string, client *kgo.Client) {
	t.Helper()
	at := []string{"--bootstrap-server", bootstrap, "--command-config", b.ClientProperties()}
	args := append(at[:4:4], "--create", "--topic", l.topic)
	for _, c := range l.configs {
		args = append(args, "--config", c)
	}
	tools.Must(t, topicCommand, args...)
	// In Apache Kafka a topic is made before its leader knows of it.
	waitFor(t, "the leader of "+l.topic, func() bool { return l.list(t, client, 4, -1).Code == 0 })
	for i, batch := range l.batches {
		if got := judge(t, client, l.topic, bytes.Clone(batch)); got.Code != 0 {
			t.Fatalf("%s, batch %d: code %d", l.topic, i, got.Code)
		}
	}
	if l.deleteBefore > 0 {
		tools.Must(t, deleteRecordsCommand, append(at[:4:4], "--offset-json-file", deleteFile(t, l.topic, 0, l.deleteBefore))...)
	}
}

func (l *timedLog) questions() []int64 {
	list := []int64{-1, -2, -4, -5, -6, -7, 0, 33_000_000_000_000, -3}
	if l.clock { // the batches may have one time, and then the first is the newest
		return list[:8]
	}
	seen := map[int64]bool{}
	for _, at := range l.times {
		for d := int64(-1); d <= 1; d++ {
			if at > 0 && !seen[at+d] && len(seen) < 60 {
				seen[at+d] = true
				list = append(list, at+d)
			}
		}
	}
	return list
}

// listed is the answer to one question. Epochs differ between the brokers: that there is one is compared.
type listed struct {
	Code         int16
	Offset, Time int64
	Epoch        bool
}

func (l *timedLog) list(t *testing.T, client *kgo.Client, version int16, question int64) listed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	q := kmsg.NewPtrListOffsetsRequest()
	partition := kmsg.NewListOffsetsRequestTopicPartition()
	partition.Timestamp = question
	q.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: l.topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{partition}}}
	resp, err := client.Broker(1).RetriableRequest(ctx, listVersion{q, version})
	if err != nil {
		t.Fatalf("%s: %v", l.topic, err)
	}
	p := resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
	out := listed{Code: p.ErrorCode, Offset: p.Offset, Time: p.Timestamp, Epoch: p.LeaderEpoch >= 0}
	if l.clock && out.Time > 0 {
		out.Time = 1
	}
	return out
}

// listVersion keeps the client to a version.
type listVersion struct {
	*kmsg.ListOffsetsRequest
	version int16
}

// MaxVersion implements kmsg.Request.
func (v listVersion) MaxVersion() int16 { return v.version }
