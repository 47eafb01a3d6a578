package broker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// transactional is a client with a transactional id.
func transactional(t *testing.T, b *Broker, id string) *kgo.Client {
	t.Helper()
	return client(t, b, kgo.TransactionalID(id), kgo.DefaultProduceTopic("t"), kgo.TransactionTimeout(30*time.Second))
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

func TestTransactionsOfARealClient(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	admin := kadm.NewClient(client(t, b))
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	admin.Close()
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
