package broker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	franz "github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// transactional is a client with a transactional id.
func transactional(t *testing.T, b *Broker, id string) *kgo.Client {
	t.Helper()
	return client(t, b, kgo.TransactionalID(id), kgo.DefaultProduceTopic("t"), kgo.TransactionTimeout(30*time.Second))
}

// makeTopic makes the topic t with one partition.
func makeTopic(ctx context.Context, t *testing.T, b *Broker) {
	t.Helper()
	admin := kadm.NewClient(client(t, b))
	defer admin.Close()
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
}

// transact writes records in one transaction and ends it.
func transact(ctx context.Context, t *testing.T, c *kgo.Client, end kgo.TransactionEndTry, values ...string) {
	t.Helper()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if err := c.ProduceSync(ctx, kgo.StringRecord(v)).FirstErr(); err != nil {
			t.Fatalf("produce %s: %v", v, err)
		}
	}
	if err := c.EndTransaction(ctx, end); err != nil {
		t.Fatalf("end the transaction of %v: %v", values, err)
	}
}

// sentinel is a record outside of transactions that ends what committed reads.
const sentinel = "sentinel"

// committed reads what a consumer of committed records sees in topic t.
func committed(ctx context.Context, t *testing.T, b *Broker) []string {
	t.Helper()
	c := client(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer c.Close()
	end, err := c.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte(sentinel)}).First()
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			if r.Offset == end.Offset {
				return values
			}
			if string(r.Value) != sentinel {
				values = append(values, string(r.Value))
			}
		}
	}
}

// markers reads the markers of topic t's first partition.
func markers(ctx context.Context, t *testing.T, b *Broker) (found []*kgo.Record) {
	t.Helper()
	c := client(t, b, kgo.ConsumeTopics("t"), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer c.Close()
	end := b.replicas.Get("t", 0).HighWatermark()
	for {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			if r.Attrs.IsControl() {
				found = append(found, r)
			}
			if r.Offset == end-1 {
				return found
			}
		}
	}
}

func TestTransactionsOfARealClient(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	makeTopic(ctx, t, b)
	c := transactional(t, b, "id")
	var want []string
	for i := range 5 {
		kept, dropped := fmt.Sprintf("kept-%d", i), fmt.Sprintf("dropped-%d", i)
		transact(ctx, t, c, kgo.TryCommit, kept, kept+"-too")
		transact(ctx, t, c, kgo.TryAbort, dropped)
		want = append(want, kept, kept+"-too")
	}
	c.Close()
	if got := committed(ctx, t, b); !slices.Equal(got, want) {
		t.Errorf("committed: %v, not %v", got, want)
	}
	stop(t, b)
	b = start(t, o)
	defer stop(t, b)
	c = transactional(t, b, "id")
	transact(ctx, t, c, kgo.TryCommit, "after a restart")
	c.Close()
	if got := committed(ctx, t, b); !slices.Equal(got, append(want, "after a restart")) {
		t.Errorf("committed after a restart: %v", got)
	}
}

// TestConsumeTransformProduce moves records from one topic to another, with the offsets of what was read in the same transactions; every
// other one is aborted and done again.
func TestConsumeTransformProduce(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	defer func() { stop(t, b) }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	source := client(t, b)
	if _, err := kadm.NewClient(source).CreateTopics(ctx, 1, 1, nil, "from", "t"); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 20 {
		value := fmt.Sprintf("value-%d", i)
		want = append(want, value)
		if err := source.ProduceSync(ctx, &kgo.Record{Topic: "from", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	source.Close()
	for round := range 4 {
		transform(ctx, t, b, 5*round, 5)
		if round == 1 {
			stop(t, b)
			b = start(t, o)
		}
	}
	if got := committed(ctx, t, b); !slices.Equal(got, want) {
		t.Errorf("committed: %v, not %v", got, want)
	}
}

// transform moves records from one topic to another in transactions of their own, and aborts each once. The first has the offset from.
func transform(ctx context.Context, t *testing.T, b *Broker, from, count int) {
	t.Helper()
	s := groupSession(t, b)
	defer s.Close()
	for moved := 0; moved < count; {
		records := s.PollRecords(ctx, 1).Records()
		if len(records) == 0 {
			if ctx.Err() != nil {
				t.Fatal("nothing more comes")
			}
			continue
		}
		r := records[0]
		if r.Offset != int64(from+moved) {
			t.Fatalf("the group goes on at offset %d, not %d", r.Offset, from+moved)
		}
		for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
			if err := s.Begin(); err != nil {
				t.Fatal(err)
			}
			if err := s.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: r.Value}).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if end == kgo.TryAbort {
				if err := s.Client().AbortBufferedRecords(ctx); err != nil {
					t.Fatal(err)
				}
				if err := s.Client().EndTransaction(ctx, end); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if done, err := s.End(ctx, end); err != nil || !done {
				t.Fatalf("commit of offset %d: %v, %v", r.Offset, done, err)
			}
		}
		moved++
	}
}

// groupSession is a member of a group that commits offsets in transactions.
func groupSession(t *testing.T, b *Broker) *kgo.GroupTransactSession {
	t.Helper()
	address := b.Addr("SASL_PLAINTEXT").String()
	s, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(address), kgo.SASL(franz.Auth{User: testUser, Pass: testPassword}.AsSha512Mechanism()), kgo.Dialer(toAddress(address)),
		kgo.TransactionalID("mover"), kgo.ConsumerGroup("movers"), kgo.ConsumeTopics("from"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAFencedPartitionWithoutRecordsHoldsNothingUp: somebody has raised the producer's epoch in a partition that is part of the transaction
// and has no record of it, which a client can do who may write there. The transaction ends all the same.
func TestAFencedPartitionWithoutRecordsHoldsNothingUp(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	defer stop(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	makeTopic(ctx, t, b)
	appended, err := b.replicas.Get("t", 0).AppendMarker(record.EndTxn{ProducerID: 7, Epoch: 9}, 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := appended.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	partition := txn.TopicPartition{Topic: "t"}
	marked := b.work.do(ctx, 0, txn.SendMarkers{TransactionalID: "id", ProducerID: 7, Commit: true, Partitions: []txn.TopicPartition{partition}})
	want := txn.Marked{{TopicPartition: partition, Code: wire.InvalidProducerEpoch, Gone: true}}
	if got, _ := marked.(txn.Marked); !slices.Equal(got, want) {
		t.Errorf("the marker came to %+v, want %+v", marked, want)
	}
}
