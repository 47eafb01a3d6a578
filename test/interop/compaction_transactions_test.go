//go:build interop

package interop

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// books is the topic of TestCompactionOfTransactionsIsAsByKafka. In its first partition all transactions end, in its second one stays
// open.
const books = "books"

// TestCompactionOfTransactionsIsAsByKafka compacts one and the same log by Apache Kafka and by this broker, which has imported it: with
// transactions that were committed and aborted, interleaved, of every codec, one that stays open, and tombstones that may go at
// once. After each of several rounds readers of all and of committed records find the same records and markers at the same offsets. At the
// end the batches, the aborted transactions and the segments are the same too.
func TestCompactionOfTransactionsIsAsByKafka(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_LOG_CLEANER_BACKOFF_MS=200", "CHRONIK_LOG_SEGMENT_DELETE_DELAY_MS=0")
	k := harness.StartKafka(t, b, "log.cleaner.backoff.ms=200", "log.segment.delete.delay.ms=0", "transaction.state.log.num.partitions=1")
	w := newBookkeeper(t, b, k.Bootstrap())
	w.write()
	k.Stop(t)
	b.Stop(t)
	if report, code := importKafka(t, importConfig(t, b), k.Dir, "--accept", "open-transactions"); code != 0 || !report.Imported {
		t.Fatalf("exit %d: %+v", code, report)
	}
	k.Run(t)
	b.Run(t)
	brokers := map[string]string{b.Bootstrap(): filepath.Join(b.Dir, "data"), k.Bootstrap(): k.Dir}
	for bootstrap := range brokers {
		tools.Must(t, configCommand, "--bootstrap-server", bootstrap, "--command-config", b.ClientProperties(), "--alter",
			"--entity-type", "topics", "--entity-name", books, "--add-config", "cleanup.policy=compact")
	}

	var left []map[string]int
	for round := range 4 {
		if round > 0 {
			w.rollBoth(slices.Collect(maps.Keys(brokers)))
		}
		waitFor(t, fmt.Sprint("round ", round), func() bool {
			ours, kafkas := cleanedTo(t, brokers[b.Bootstrap()], books), cleanedTo(t, k.Dir, books)
			return len(ours) == 2 && maps.Equal(ours, kafkas) && ours["0"] == w.activeBase
		})
		left = append(left, w.compare(b.Bootstrap(), k.Bootstrap()))
	}
	t.Logf("left after each round: %v", left)
	w.checkRounds(left)
	b.Stop(t)
	k.Stop(t)
	for p := range 2 {
		dir := fmt.Sprintf("%s-%d", books, p)
		for _, suffix := range []string{"log", "txnindex"} {
			kafkas, ours := describeFiles(t, filepath.Join(k.Dir, dir), suffix), describeFiles(t, filepath.Join(brokers[b.Bootstrap()], dir), suffix)
			if diff := cmp.Diff(kafkas, ours); diff != "" {
				t.Errorf("%s, the .%s files (-Apache Kafka +this broker):\n%.5000s", dir, suffix, diff)
			}
			if p == 1 && len(kafkas) == 0 {
				t.Errorf("%s has no .%s files", dir, suffix)
			}
		}
		wholeDirectory(t, filepath.Join(brokers[b.Bootstrap()], dir), map[string]int{"log": 2, "index": 2, "timeindex": 2, "snapshot": 1}, sound)
	}
}

// bookkeeper writes the log that is compacted.
type bookkeeper struct {
	t         *testing.T
	ctx       context.Context
	b         *harness.Broker
	bootstrap string
	random    *rand.Rand
	// at is the time of the next record: the segments end by these times.
	at time.Time
	// activeBase is where the first partition's last segment begins.
	activeBase int64
	rounds     int
}

func newBookkeeper(t *testing.T, b *harness.Broker, bootstrap string) *bookkeeper {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	return &bookkeeper{t: t, ctx: ctx, b: b, bootstrap: bootstrap, random: rand.New(rand.NewPCG(3, 4)), at: time.Now().Add(time.Hour).Truncate(time.Hour)}
}

// client is one whose records go where they say, without a producer id unless there is a transactional one.
func (w *bookkeeper) client(bootstrap string, opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	all := append(franzSASL(w.t, w.b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return franzClient(w.t, append(all, opts...)...)
}

func (w *bookkeeper) send(c *kgo.Client, partition int32, key, value string) {
	w.t.Helper()
	r := &kgo.Record{Topic: books, Partition: partition, Key: []byte(key), Value: []byte(value), Timestamp: w.at}
	if value == "" {
		r.Value = nil
	}
	if err := c.ProduceSync(w.ctx, r).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	if partition == 0 {
		w.activeBase = r.Offset // true of the last one, which rolls
	}
}

// write writes both partitions.
func (w *bookkeeper) write() {
	w.t.Helper()
	tools.Must(w.t, topicCommand, "--bootstrap-server", w.bootstrap, "--command-config", w.b.ClientProperties(), "--create", "--topic", books, "--partitions", "2",
		"--config", "retention.ms=-1", "--config", "segment.ms=600000", "--config", "delete.retention.ms=0", "--config", "min.cleanable.dirty.ratio=0.01",
		"--config", "message.timestamp.after.max.ms=9223372036854775807")
	plain, idempotent := w.client(w.bootstrap, kgo.DisableIdempotentWrite()), w.client(w.bootstrap)
	var producers []*kgo.Client
	for i, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		producers = append(producers, w.client(w.bootstrap, kgo.TransactionalID(fmt.Sprint("accountant ", i)), kgo.ProducerBatchCompression(codec)))
	}
	for round := range 12 {
		w.transactions(producers, round, idempotent)
		w.send(plain, 0, fmt.Sprint("key ", round), "of no producer")
		w.at = w.at.Add(7 * time.Minute)
	}
	w.send(plain, 1, "before the open one", "stays")
	open := w.client(w.bootstrap, kgo.TransactionalID("never ends"), kgo.TransactionTimeout(15*time.Minute))
	if err := open.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	w.send(open, 1, "key 1", "of the open one")
	for round := range 6 {
		w.transactions(producers, 12+round, idempotent)
		w.at = w.at.Add(7 * time.Minute)
	}
	w.waitForMarkers(producers[0])
	w.roll(plain)
}

// waitForMarkers waits until all transactions that have ended have their markers: Apache Kafka writes them after its answer.
func (w *bookkeeper) waitForMarkers(c *kgo.Client) {
	w.t.Helper()
	waitFor(w.t, "the markers", func() bool {
		listed, err := kadm.NewClient(c).ListTransactions(w.ctx, nil, []string{"PrepareCommit", "PrepareAbort"})
		if err != nil {
			w.t.Fatal(err)
		}
		return len(listed) == 0
	})
}

// transactions begins one of each producer, lets them write in turn, and ends them: two of three are committed.
func (w *bookkeeper) transactions(producers []*kgo.Client, round int, idempotent *kgo.Client) {
	w.t.Helper()
	for _, c := range producers {
		if err := c.BeginTransaction(); err != nil {
			w.t.Fatal(err)
		}
	}
	for range 3 {
		for i, c := range append(slices.Clone(producers), idempotent) {
			value := fmt.Sprintf("by %d in round %d", i, round)
			if i < len(producers) && aborts(round, i) {
				value = "aborted " + value
			} else if w.random.IntN(4) == 0 {
				value = ""
			}
			w.send(c, int32(w.random.IntN(2)), fmt.Sprint("key ", w.random.IntN(25)), value)
		}
	}
	for i, c := range producers {
		if err := c.EndTransaction(w.ctx, kgo.TransactionEndTry(!aborts(round, i))); err != nil {
			w.t.Fatal(err)
		}
	}
}

func aborts(round, producer int) bool { return (round+producer)%3 == 0 }

// roll begins a segment of each partition: all before it may be compacted.
func (w *bookkeeper) roll(clients ...*kgo.Client) {
	w.t.Helper()
	w.at = w.at.Add(time.Hour)
	w.rounds++
	for _, c := range clients {
		for p := range int32(2) {
			w.send(c, p, fmt.Sprint("roll ", w.rounds), "the last one")
		}
	}
}

// rollBoth overwrites some keys in both brokers, and begins a segment.
func (w *bookkeeper) rollBoth(bootstraps []string) {
	w.t.Helper()
	var clients []*kgo.Client
	for _, bootstrap := range bootstraps {
		clients = append(clients, w.client(bootstrap, kgo.DisableIdempotentWrite(), kgo.ProducerBatchCompression(kgo.NoCompression())))
	}
	for i := range 3 {
		for _, c := range clients {
			w.send(c, 0, fmt.Sprint("key ", 3*w.rounds+i), "after the import")
		}
	}
	w.roll(clients...)
}

// cleanedTo is up to where the partitions of a topic are compacted, as the checkpoint of a log directory says.
func cleanedTo(t *testing.T, dir, topic string) map[string]int64 {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "cleaner-offset-checkpoint"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != topic {
			continue
		}
		if found[fields[1]], err = strconv.ParseInt(fields[2], 10, 64); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return found
}

// compare reads both brokers' partitions, and returns what kinds of records there are in the first one.
func (w *bookkeeper) compare(ours, kafkas string) map[string]int {
	w.t.Helper()
	var kinds map[string]int
	for _, isolation := range []struct {
		name  string
		level kgo.IsolationLevel
	}{{"all", kgo.ReadUncommitted()}, {"committed", kgo.ReadCommitted()}} {
		for p := range int32(2) {
			last := fmt.Sprint("roll ", w.rounds)
			if p == 1 && isolation.name == "committed" {
				last = "before the open one"
			}
			theirs, mine := w.read(kafkas, p, isolation.level, last), w.read(ours, p, isolation.level, last)
			if diff := cmp.Diff(theirs, mine); diff != "" {
				w.t.Fatalf("round %d, %s records of partition %d (-Apache Kafka +this broker):\n%s", w.rounds, isolation.name, p, diff)
			}
			if p == 0 && isolation.name == "all" {
				kinds = kindsOf(mine)
			}
		}
	}
	return kinds
}

// read reads a partition up to a key.
func (w *bookkeeper) read(bootstrap string, partition int32, isolation kgo.IsolationLevel, last string) (found []string) {
	w.t.Helper()
	c := w.client(bootstrap, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{books: {partition: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords())
	defer c.Close()
	for key := ""; key != last; {
		fetches := c.PollFetches(w.ctx)
		if err := fetches.Err(); err != nil {
			w.t.Fatalf("partition %d up to %q, so far %q: %v", partition, last, found, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if key == last {
				return
			}
			key = string(r.Key)
			text := recordText(r.Offset, r)
			if r.Attrs.IsControl() {
				text = fmt.Sprintf("%d marker %x", r.Offset, r.Key)
			}
			found = append(found, fmt.Sprintf("%s at %d by %d of epoch %d", text, r.Timestamp.UnixMilli(), r.ProducerID, r.ProducerEpoch))
		})
	}
	return found
}

func kindsOf(records []string) map[string]int {
	kinds := map[string]int{"all": len(records)}
	for _, text := range records {
		for _, kind := range []string{"marker", "deleted", "aborted"} {
			if strings.Contains(text, kind) {
				kinds[kind]++
			}
		}
	}
	return kinds
}

// checkRounds looks whether there was anything to compare: aborted records go in the first round, tombstones and the markers of what
// has gone in later ones.
func (w *bookkeeper) checkRounds(left []map[string]int) {
	w.t.Helper()
	first, last := left[0], left[len(left)-1]
	if first["deleted"] == 0 || first["marker"] == 0 || first["aborted"] != 0 {
		w.t.Errorf("after the first round there are %v", first)
	}
	if last["deleted"] != 0 || last["marker"] >= first["marker"] || last["aborted"] != 0 {
		w.t.Errorf("after the first round there were %v, after the last %v", first, last)
	}
}

// describeFiles lists the files of a kind with what DumpLogSegments prints of them, without sizes, checksums, leader epochs and times of
// deletion, which may differ.
func describeFiles(t *testing.T, dir, suffix string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*."+suffix))
	if err != nil {
		t.Fatal(err)
	}
	differs := regexp.MustCompile(`(partitionLeaderEpoch|position|size|crc|sizeInBytes): -?\d+ ?`)
	horizon := regexp.MustCompile(`OptionalLong\[\d+\]`)
	for _, file := range files {
		all = append(all, filepath.Base(file))
		for line := range strings.Lines(dumped(t, "--files", file)) {
			if strings.Contains(line, "Offset: ") {
				all = append(all, horizon.ReplaceAllString(differs.ReplaceAllString(strings.TrimSpace(line), ""), "a time"))
			}
		}
	}
	return all
}
