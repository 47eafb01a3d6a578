//go:build interop && bench

package interop

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	txnProducers = 8
	txnRounds    = 3
	txnTime      = 2 * time.Second
	// smallTxn is how many records a transaction has whose time counts.
	smallTxn = 10
	// What is read is the same for all brokers, however fast they wrote: each producer commits largeTxns of largeTxn records.
	largeTxn, largeTxns = 500, 25
)

// txnTarget is one broker under transactions; figures are by the number of partitions that a transaction writes to.
type txnTarget struct {
	name    string
	opts    []kgo.Opt
	commits map[int][]float64 // per second
	reads   map[int][]float64 // records per second
}

// TestBenchTransactions: producers commit transactions of ten small records, in one partition and in ten, one after the other; and a
// read-committed consumer reads what larger transactions have left.
func TestBenchTransactions(t *testing.T) {
	durable, cached := harness.Start(t), harness.Start(t, "CHRONIK_FLUSH_POLICY=os")
	kafka := harness.StartKafka(t, durable)
	for _, b := range []*harness.Broker{durable, cached} {
		admin(t, b, featureCommand, "upgrade", "--feature", "transaction.version=2")
	}
	targets := []*txnTarget{
		{name: "chronik (acks: fsync before ack)", opts: franzSASL(t, durable, "SCRAM-SHA-512")},
		{name: "chronik (os: page cache, as Kafka)", opts: franzSASL(t, cached, "SCRAM-SHA-512")},
		{name: "Apache Kafka 4.3.1", opts: append(franzSASL(t, durable, "SCRAM-SHA-512"), kgo.SeedBrokers(kafka.Bootstrap()))},
	}
	files := []string{durable.ClientProperties(), cached.ClientProperties(), durable.ClientProperties()}
	sizes := []int{1, 10}
	for i, bootstrap := range []string{durable.Bootstrap(), cached.Bootstrap(), kafka.Bootstrap()} {
		x := targets[i]
		x.commits, x.reads = map[int][]float64{}, map[int][]float64{}
		for _, partitions := range sizes {
			for _, topic := range []string{"write-", "read-"} {
				tools.Must(t, topicCommand, "--bootstrap-server", bootstrap, "--command-config", files[i], "--create",
					"--topic", fmt.Sprint(topic, partitions), "--partitions", fmt.Sprint(partitions))
			}
			x.transact(t, "read-", partitions, largeTxn, func(committed int, _ time.Time) bool { return committed < largeTxns })
		}
	}
	for round := range txnRounds + 1 {
		for _, x := range targets {
			for _, partitions := range sizes {
				n := x.transact(t, "write-", partitions, smallTxn, func(_ int, begun time.Time) bool { return time.Since(begun) < txnTime })
				reads := x.read(t, partitions)
				if round == 0 {
					continue // warms up the brokers
				}
				x.commits[partitions] = append(x.commits[partitions], float64(n)/txnTime.Seconds())
				x.reads[partitions] = append(x.reads[partitions], reads)
			}
		}
	}
	base := targets[len(targets)-1]
	for _, x := range targets {
		for _, n := range sizes {
			t.Logf("%-36s %2d partitions: %5.0f transactions/s (x%.2f)  read committed %7.0f records/s (x%.2f)", x.name, n,
				median(x.commits[n]), median(x.commits[n])/median(base.commits[n]), median(x.reads[n]), median(x.reads[n])/median(base.reads[n]))
		}
	}
}

// transact has producers commit transactions as long as more says, and returns how many they were.
func (x *txnTarget) transact(t *testing.T, topic string, partitions, records int, more func(committed int, begun time.Time) bool) int {
	t.Helper()
	var committed atomic.Int64
	var run, ready sync.WaitGroup
	begin := make(chan struct{})
	for i := range txnProducers {
		ready.Add(1)
		run.Go(func() {
			c, err := x.producer(fmt.Sprint(topic, partitions, "-", i), fmt.Sprint(topic, partitions))
			ready.Done()
			if err != nil {
				t.Errorf("%s: %v", x.name, err)
				return
			}
			defer c.Close()
			<-begin
			begun := time.Now()
			for n := 0; more(n, begun); n++ {
				if err := transaction(c, partitions, records); err != nil {
					t.Errorf("%s, %s%d: %v", x.name, topic, partitions, err)
					return
				}
				committed.Add(1)
			}
		})
	}
	ready.Wait()
	close(begin)
	run.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return int(committed.Load())
}

// producer is a transactional producer that has committed a transaction without records, so that it has its id and epoch.
func (x *txnTarget) producer(id, topic string) (*kgo.Client, error) {
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.TransactionalID(id), kgo.ProducerLinger(0), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()),
	}, x.opts...)...)
	if err != nil {
		return nil, err
	}
	if err := c.BeginTransaction(); err != nil {
		return c, err
	}
	return c, c.EndTransaction(context.Background(), kgo.TryCommit)
}

func transaction(c *kgo.Client, partitions, n int) error {
	ctx := context.Background()
	if err := c.BeginTransaction(); err != nil {
		return err
	}
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Partition: int32(i % partitions), Value: make([]byte, 100)}
	}
	if err := c.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	return c.EndTransaction(ctx, kgo.TryCommit)
}

// read reads all that was committed, and returns the records per second.
func (x *txnTarget) read(t *testing.T, partitions int) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumeTopics(fmt.Sprint("read-", partitions)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	}, x.opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const want = txnProducers * largeTxns * largeTxn
	got := 0
	begun := time.Now()
	for got < want {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s: %d of %d records: %v", x.name, got, want, err)
		}
		got += fetches.NumRecords()
	}
	if got != want {
		t.Fatalf("%s: %d records where %d were committed", x.name, got, want)
	}
	return float64(got) / time.Since(begun).Seconds()
}
