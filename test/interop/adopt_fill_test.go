//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// filledTopics are the topics that fill makes in Apache Kafka, with their configurations.
func filledTopics() map[string][]string {
	return map[string][]string{
		"codecs":       {"retention.ms=-1", "max.message.bytes=2000000"},
		"appended":     {"message.timestamp.type=LogAppendTime"},
		"segments":     {"segment.ms=60000", "index.interval.bytes=100"},
		"keyed":        {"cleanup.policy=compact", "min.cleanable.dirty.ratio=0.01", "segment.ms=1000", "delete.retention.ms=100"},
		"shortened":    {"segment.bytes=1048576"},
		"transactions": {},
		"empty":        {},
	}
}

// filler puts into Apache Kafka what an import has to bring over.
type filler struct {
	t    *testing.T
	ctx  context.Context
	b    *harness.Broker
	k    *harness.Kafka
	file string
	now  time.Time
}

// fill writes every kind of record and of metadata.
func fill(t *testing.T, b *harness.Broker, k *harness.Kafka) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	f := &filler{t: t, ctx: ctx, b: b, k: k, file: b.ClientProperties(), now: time.Now().Truncate(time.Millisecond)}
	for topic, configs := range filledTopics() {
		args := []string{"--create", "--topic", topic, "--partitions", "3"}
		for _, c := range configs {
			args = append(args, "--config", c)
		}
		f.tool(topicCommand, args...)
	}
	f.codecs()
	f.times()
	f.keyed()
	f.shortened()
	f.transactions()
	f.unfinished()
	f.groups()
	f.security()
	f.waitCompacted()
}

func (f *filler) tool(main string, args ...string) string {
	f.t.Helper()
	return tools.Must(f.t, main, append([]string{"--bootstrap-server", f.k.Bootstrap(), "--command-config", f.file}, args...)...)
}

func (f *filler) client(opts ...kgo.Opt) *kgo.Client {
	f.t.Helper()
	all := append(franzSASL(f.t, f.b, "SCRAM-SHA-512"), kgo.SeedBrokers(f.k.Bootstrap()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return franzClient(f.t, append(all, opts...)...)
}

func (f *filler) send(c *kgo.Client, records ...*kgo.Record) {
	f.t.Helper()
	if err := c.ProduceSync(f.ctx, records...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// codecs writes batches of each codec with null and empty keys and values, and headers.
func (f *filler) codecs() {
	f.t.Helper()
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for name, codec := range codecs {
		c := f.client(kgo.ProducerBatchCompression(codec))
		for partition := range int32(3) {
			var batch []*kgo.Record
			for i := range 30 {
				batch = append(batch, &kgo.Record{
					Topic: "codecs", Partition: partition, Key: fmt.Appendf(nil, "%s %d", name, i), Value: []byte(strings.Repeat(name, 200)),
					Timestamp: f.now.Add(-time.Duration(i) * time.Hour),
					Headers:   []kgo.RecordHeader{{Key: "h", Value: []byte(name)}, {Key: "h", Value: nil}, {Key: "", Value: []byte{}}},
				})
			}
			batch = append(batch,
				&kgo.Record{Topic: "codecs", Partition: partition, Value: []byte("no key"), Timestamp: f.now},
				&kgo.Record{Topic: "codecs", Partition: partition, Key: []byte("no value"), Timestamp: f.now},
				&kgo.Record{Topic: "codecs", Partition: partition, Key: []byte{}, Value: []byte{}, Timestamp: f.now})
			f.send(c, batch...)
		}
	}
	user, password := f.b.Admin(f.t)
	harness.Python(f.t, "confluent.py", "produce", f.k.Bootstrap(), f.b.CA(), "SCRAM-SHA-512", user, password, "codecs", "20", "confluent")
	tools.Must(f.t, roundTrip, "produce", f.k.Bootstrap(), f.file, "codecs", "50", "java", "compression.type=snappy")
}

// times writes records that get the broker's time, and some that are hours apart, so that each has a segment of its own.
func (f *filler) times() {
	f.t.Helper()
	c := f.client()
	for i := range 40 {
		f.send(c, &kgo.Record{Topic: "appended", Partition: int32(i % 3), Value: fmt.Appendf(nil, "%d", i)})
		f.send(c, &kgo.Record{Topic: "segments", Value: fmt.Appendf(nil, "%d", i), Timestamp: f.now.Add(time.Duration(i-80) * time.Hour)})
	}
}

// keyed writes the same few keys again and again, and deletes one.
func (f *filler) keyed() {
	f.t.Helper()
	c := f.client()
	for i := range 200 {
		value := fmt.Appendf(nil, "%d", i)
		if i%7 == 6 {
			value = nil
		}
		f.send(c, &kgo.Record{Topic: "keyed", Key: fmt.Appendf(nil, "key %d", i%5), Value: value, Timestamp: f.now.Add(time.Duration(i-200) * 10 * time.Second)})
	}
}

// waitCompacted waits until the cleaner has been at the keyed topic.
func (f *filler) waitCompacted() {
	f.t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		raw, err := os.ReadFile(filepath.Join(f.k.Dir, "cleaner-offset-checkpoint"))
		if err == nil && strings.Contains(string(raw), "keyed 0 ") {
			return
		}
		select {
		case <-f.ctx.Done():
			f.t.Fatalf("the topic was not compacted: %q, %v", raw, err)
		case <-tick.C:
		}
	}
}

// shortened writes several segments and deletes records in the middle of one.
func (f *filler) shortened() {
	f.t.Helper()
	c := f.client()
	for i := range 40 {
		f.send(c, &kgo.Record{Topic: "shortened", Key: fmt.Appendf(nil, "%d", i), Value: []byte(strings.Repeat("x", 100_000))})
	}
	offsets := filepath.Join(f.t.TempDir(), "delete.json")
	text := `{"partitions":[{"topic":"shortened","partition":0,"offset":15}],"version":1}`
	if err := os.WriteFile(offsets, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.tool(deleteRecords, "--offset-json-file", offsets)
}

// transactions commits, aborts, and mixes both with records of no transaction.
func (f *filler) transactions() {
	f.t.Helper()
	plain := f.client()
	c := f.client(kgo.TransactionalID("franz"))
	for i := range 6 {
		if err := c.BeginTransaction(); err != nil {
			f.t.Fatal(err)
		}
		for partition := range int32(2) {
			f.send(c, &kgo.Record{Topic: "transactions", Partition: partition, Value: fmt.Appendf(nil, "transaction %d", i)})
			f.send(plain, &kgo.Record{Topic: "transactions", Partition: partition, Value: fmt.Appendf(nil, "between %d", i)})
		}
		if err := c.EndTransaction(f.ctx, kgo.TransactionEndTry(i%2 == 0)); err != nil {
			f.t.Fatal(err)
		}
	}
	tools.Must(f.t, producerPerf, "--topic", "transactions", "--num-records", "300", "--record-size", "100", "--throughput", "1000", "--transactional-id", "java",
		"--transaction-duration-ms", "50", "--bootstrap-server", f.k.Bootstrap(), "--command-config", f.file)
}

// groups commits by a classic and by a consumer-protocol group, by hand, and within transactions of which one is aborted.
func (f *filler) groups() {
	f.t.Helper()
	tools.Must(f.t, roundTrip, "consume", f.k.Bootstrap(), f.file, "codecs", "100", "classic-group")
	tools.Must(f.t, roundTrip, "consume", f.k.Bootstrap(), f.file, "codecs", "100", "new-group", "group.protocol=consumer")
	admin := kadm.NewClient(f.client())
	commit := kadm.Offsets{}
	commit.AddOffset("codecs", 2, 7, 0)
	if err := admin.CommitAllOffsets(f.ctx, "by-hand", commit); err != nil {
		f.t.Fatal(err)
	}
	for _, outcome := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		f.consumeInTransaction(outcome)
	}
}

// consumeInTransaction consumes a record and ends the transaction that commits its offset.
func (f *filler) consumeInTransaction(outcome kgo.TransactionEndTry) {
	f.t.Helper()
	s, err := kgo.NewGroupTransactSession(append(franzSASL(f.t, f.b, "SCRAM-SHA-512"), kgo.SeedBrokers(f.k.Bootstrap()), kgo.TransactionalID("session"),
		kgo.ConsumerGroup("session-group"), kgo.ConsumeTopics("shortened"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		f.t.Fatal(err)
	}
	defer s.Close()
	if fetches := s.PollRecords(f.ctx, 5); fetches.Err() != nil || fetches.NumRecords() == 0 {
		f.t.Fatalf("%d records, %v", fetches.NumRecords(), fetches.Err())
	}
	if err := s.Begin(); err != nil {
		f.t.Fatal(err)
	}
	if err := s.ProduceSync(f.ctx, &kgo.Record{Topic: "transactions", Value: []byte("consumed")}).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
	if ended, err := s.End(f.ctx, outcome); err != nil || ended != bool(outcome) {
		f.t.Fatalf("ended as committed: %v, %v", ended, err)
	}
}

// security adds ACLs and users, and removes some of them.
func (f *filler) security() {
	f.t.Helper()
	f.tool(aclCommand, "--add", "--allow-principal", "User:reader", "--operation", "Read", "--operation", "Describe", "--topic", "codecs", "--group", "*")
	f.tool(aclCommand, "--add", "--deny-principal", "User:reader", "--operation", "Write", "--topic", "co", "--resource-pattern-type", "prefixed")
	f.tool(aclCommand, "--add", "--allow-principal", "User:gone", "--operation", "All", "--topic", "*")
	f.tool(aclCommand, "--remove", "--force", "--allow-principal", "User:gone", "--operation", "All", "--topic", "*")
	for _, user := range []string{"reader", "gone"} {
		f.tool(configCommand, "--alter", "--entity-type", "users", "--entity-name", user, "--add-config", "SCRAM-SHA-512=[iterations=4096,password="+user+"-secret]")
	}
	f.tool(configCommand, "--alter", "--entity-type", "users", "--entity-name", "gone", "--delete-config", "SCRAM-SHA-512")
	f.tool(configCommand, "--alter", "--entity-type", "topics", "--entity-name", "codecs", "--delete-config", "max.message.bytes")
	f.tool(topicCommand, "--create", "--topic", "gone")
	f.tool(topicCommand, "--delete", "--topic", "gone")
}
