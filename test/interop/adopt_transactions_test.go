//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// unfinishedTopic has in each partition the transaction that one of the ids of unfinished began.
const (
	unfinishedTopic = "unfinished"
	stateTopic      = "__transaction_state"
)

// unfinished are the states in which Apache Kafka leaves transactions, and those in which they have to end.
func unfinished() []struct{ left, end string } {
	return []struct{ left, end string }{{"Ongoing", "CompleteAbort"}, {"PrepareCommit", "CompleteCommit"}, {"PrepareAbort", "CompleteAbort"}}
}

// unfinished begins a transaction for each state and leaves it in that one: its last record in __transaction_state is followed by
// one of that state, which Apache Kafka does not read before its next start. The time-out of the one that goes on is over then.
func (f *filler) unfinished() {
	f.t.Helper()
	f.tool(topicCommand, "--create", "--topic", unfinishedTopic, "--partitions", fmt.Sprint(len(unfinished())))
	for partition, state := range unfinished() {
		c := f.client(kgo.TransactionalID(state.left), kgo.TransactionTimeout(10*time.Minute))
		if err := c.BeginTransaction(); err != nil {
			f.t.Fatal(err)
		}
		f.send(c, &kgo.Record{Topic: unfinishedTopic, Partition: int32(partition), Value: []byte(state.left)})
	}
	// The id of Apache Kafka's own administrative client, which may write into internal topics (AdminUtils.ADMIN_CLIENT_ID).
	admin := f.client(kgo.ClientID("__admin_client"), kgo.DisableIdempotentWrite(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for id, found := range f.states() {
		at := slices.IndexFunc(unfinished(), func(s struct{ left, end string }) bool { return s.left == id })
		if at < 0 {
			continue
		}
		value := kmsg.NewTxnMetadataValue()
		if err := value.ReadFrom(found.Value); err != nil || value.State != kmsg.TransactionStateOngoing || len(value.Topics) != 1 {
			f.t.Fatalf("%s: %+v, %v", id, value, err)
		}
		value.TimeoutMillis = 1000
		if at > 0 { // as its end by transaction version 2 is prepared
			value.State = []kmsg.TransactionState{0, kmsg.TransactionStatePrepareCommit, kmsg.TransactionStatePrepareAbort}[at]
			value.ProducerEpoch++
		}
		f.send(admin, &kgo.Record{Topic: stateTopic, Partition: found.Partition, Key: found.Key, Value: value.AppendTo(nil)})
	}
}

// states reads the last record of each transactional id.
func (f *filler) states() map[string]*kgo.Record {
	f.t.Helper()
	found := map[string]*kgo.Record{}
	c := f.client(kgo.ConsumeTopics(stateTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for {
		missing := slices.DeleteFunc(unfinished(), func(s struct{ left, end string }) bool {
			r := found[s.left]
			return r != nil && len(r.Value) > 0 && isOngoing(r.Value)
		})
		if len(missing) == 0 {
			return found
		}
		fetches := c.PollFetches(f.ctx)
		if err := fetches.Err(); err != nil {
			f.t.Fatalf("no state of %v: %v", missing, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			key := kmsg.NewTxnMetadataKey()
			if err := key.ReadFrom(r.Key); err != nil {
				f.t.Fatal(err)
			}
			found[key.TransactionalID] = r
		})
	}
}

func isOngoing(raw []byte) bool {
	value := kmsg.NewTxnMetadataValue()
	return value.ReadFrom(raw) == nil && value.State == kmsg.TransactionStateOngoing
}

// transactionsGoOn waits until each transaction has ended as it had to. Nobody can commit any more what timed out, and its id begins anew.
func transactionsGoOn(t *testing.T, b *harness.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	admin := kadm.NewClient(client)
	var ids []string
	for _, state := range unfinished() {
		ids = append(ids, state.left)
	}
	var ended kadm.DescribedTransactions
	waitFor(t, "the ends of transactions", func() bool {
		described, err := admin.DescribeTransactions(ctx, ids...)
		if err != nil {
			t.Fatal(err)
		}
		ended = described
		return !slices.ContainsFunc(unfinished(), func(s struct{ left, end string }) bool { return described[s.left].State != s.end })
	})
	stable, err := admin.ListCommittedOffsets(ctx, unfinishedTopic)
	if err != nil {
		t.Fatal(err)
	}
	for partition, state := range unfinished() {
		if o, found := stable.Lookup(unfinishedTopic, int32(partition)); !found || o.Offset != 2 {
			t.Errorf("the transaction that was %s: the last stable offset is %d", state.left, o.Offset)
		}
	}
	into := map[string][]seenRecord{}
	readTopics(t, into, franzSASL(t, b, "SCRAM-SHA-512"), true, unfinishedTopic)
	for partition, state := range unfinished() {
		records := slices.DeleteFunc(into[fmt.Sprintf("%s-%d", unfinishedTopic, partition)], func(r seenRecord) bool { return r.Control })
		if committed := state.end == "CompleteCommit"; committed != (len(records) == 1 && string(records[0].Value) == state.left) {
			t.Errorf("of the transaction that was %s readers see %d record(s)", state.left, len(records))
		}
	}

	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = "Ongoing", ended["Ongoing"].ProducerID, ended["Ongoing"].ProducerEpoch-1, true
	resp, err := end.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); !errors.Is(err, kerr.InvalidTxnState) { // of a version that is not 5: PRODUCER_FENCED
		t.Errorf("the commit of a transaction that timed out: %v", err)
	}
	again := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.TransactionalID("Ongoing"))...)
	if err := again.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := again.ProduceSync(ctx, &kgo.Record{Topic: unfinishedTopic, Value: []byte("again")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := again.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
}
