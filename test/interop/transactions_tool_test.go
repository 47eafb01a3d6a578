//go:build interop

package interop

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/test/harness"
)

const (
	transactionsCommand = "org.apache.kafka.tools.TransactionsCommand"
	journaled           = "journaled"
)

// TestTransactionsTool runs kafka-transactions against this broker and against Apache Kafka, and compares what it prints. A transaction
// hangs that its coordinator knows nothing of; the tool finds it and aborts it, and readers of committed records get on.
func TestTransactionsTool(t *testing.T) {
	b := harness.Start(t, "CHRONIK_TRANSACTION_PARTITION_VERIFICATION_ENABLE=false")
	k := harness.StartKafka(t, b, "transaction.partition.verification.enable=false")
	brokers := []string{b.Bootstrap(), k.Bootstrap()}
	for _, bootstrap := range brokers {
		newStepper(t, b, bootstrap).setScene(t)
	}
	for _, args := range []string{
		"list",
		"list --duration-filter 3600000",
		"list --duration-filter 0",
		"list --transactional-id-pattern i.*e",
		"list --transactional-id-pattern [",
		"describe --transactional-id open",
		"describe --transactional-id done",
		"describe --transactional-id idle",
		"describe --transactional-id nobody",
		"describe-producers --topic journaled --partition 0",
		"describe-producers --topic journaled --partition 1 --broker-id 1",
		"find-hanging --broker-id 1",
		"find-hanging --topic journaled",
		"find-hanging --topic journaled --partition 0",
		"find-hanging --broker-id 1 --max-transaction-timeout 180",
		"find-hanging",
		"abort --topic journaled --partition 1 --start-offset 77",
		"abort --topic journaled --partition 1 --start-offset 0",
		"abort --topic journaled --partition 1 --start-offset 0",
		"abort --topic journaled --partition 1",
		"find-hanging --broker-id 1",
		"describe-producers --topic journaled --partition 1",
		"forceTerminateTransaction --transactionalId open",
		"forceTerminateTransaction --transactionalId nobody",
		"describe --transactional-id open",
		"list",
	} {
		t.Run(args, func(t *testing.T) {
			var ours, kafkas printed
			for bootstrap, out := range map[string]*printed{b.Bootstrap(): &ours, k.Bootstrap(): &kafkas} {
				*out = runAt(t, bootstrap, b.ClientProperties(), transactionsCommand, args, "")
				for i, line := range out.Out {
					out.Out[i] = openFor.ReplaceAllString(line, "$1 TIME DURATION")
				}
			}
			if diff := cmp.Diff(kafkas, ours); diff != "" {
				t.Errorf("-Apache Kafka +this broker:\n%s", diff)
			}
		})
	}
	for _, bootstrap := range brokers {
		opts := append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap))
		if got := readTopic(t, opts, journaled, kgo.ReadCommitted()); len(got) != 1 || string(got[0].Value) != "done" {
			t.Errorf("%s: committed are %v, want that of one transaction", bootstrap, got)
		}
	}
}

// openFor is the part of a described transaction that says since when and for how long it is open.
var openFor = regexp.MustCompile(`( (?:Ongoing|CompleteCommit|CompleteAbort) [0-9]+) TIME [0-9]+`)

// stepper makes single steps of transactions: in versions of the requests with which a broker bumps no epoch at the end of one.
type stepper struct {
	client *kgo.Client
}

func newStepper(t *testing.T, b *harness.Broker, bootstrap string) *stepper {
	t.Helper()
	return &stepper{franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap), kgo.MaxVersions(kversion.V3_7_0()))...)}
}

func (s *stepper) request(t *testing.T, q kmsg.Request) kmsg.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	resp, err := s.client.Request(ctx, q)
	if err != nil {
		t.Fatalf("%T: %v", q, err)
	}
	return resp
}

func noError(t *testing.T, what string, code int16) {
	t.Helper()
	if err := kerr.ErrorForCode(code); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// setScene leaves a transaction open, ends one, makes an id that has none, and leaves one open that its coordinator does not know.
func (s *stepper) setScene(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := kadm.NewClient(s.client).CreateTopic(ctx, 2, 1, nil, journaled); err != nil {
		t.Fatal(err)
	}
	lost := s.begin(t, "lost")
	s.write(t, "lost", lost, 1, time.Now().Add(-2*time.Hour))
	done := s.begin(t, "done")
	s.add(t, "done", done, 0, 1)
	s.write(t, "done", done, 0, time.Now())
	s.end(t, "done", done)
	open := s.begin(t, "open")
	s.add(t, "open", open, 0, 1)
	s.write(t, "open", open, 0, time.Now())
	s.begin(t, "idle")
}

func (s *stepper) begin(t *testing.T, id string) int64 {
	t.Helper()
	q := kmsg.NewPtrInitProducerIDRequest()
	q.TransactionalID, q.TransactionTimeoutMillis, q.ProducerID, q.ProducerEpoch = &id, 600_000, -1, -1
	resp := s.request(t, q).(*kmsg.InitProducerIDResponse)
	noError(t, "begin "+id, resp.ErrorCode)
	return resp.ProducerID
}

func (s *stepper) add(t *testing.T, id string, producer int64, partitions ...int32) {
	t.Helper()
	q := kmsg.NewPtrAddPartitionsToTxnRequest()
	q.TransactionalID, q.ProducerID = id, producer
	q.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: journaled, Partitions: partitions}}
	for _, p := range s.request(t, q).(*kmsg.AddPartitionsToTxnResponse).Topics[0].Partitions {
		noError(t, "add to "+id, p.ErrorCode)
	}
}

func (s *stepper) write(t *testing.T, id string, producer int64, partition int32, at time.Time) {
	t.Helper()
	var b record.Builder
	b.Add(at.UnixMilli(), nil, []byte(id))
	b.Transaction(producer, 0)
	q := kmsg.NewPtrProduceRequest()
	q.TransactionID, q.Acks, q.TimeoutMillis = &id, -1, 10_000
	q.Topics = []kmsg.ProduceRequestTopic{{Topic: journaled, Partitions: []kmsg.ProduceRequestTopicPartition{{
		Partition: partition, Records: b.Batch(),
	}}}}
	noError(t, "write for "+id, s.request(t, q).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
}

func (s *stepper) end(t *testing.T, id string, producer int64) {
	t.Helper()
	q := kmsg.NewPtrEndTxnRequest()
	q.TransactionalID, q.ProducerID, q.Commit = id, producer, true
	noError(t, "end "+id, s.request(t, q).(*kmsg.EndTxnResponse).ErrorCode)
	waitFor(t, "the markers of "+id, func() bool {
		return s.request(t, &kmsg.DescribeTransactionsRequest{TransactionalIDs: []string{id}}).(*kmsg.DescribeTransactionsResponse).
			TransactionStates[0].State == "CompleteCommit"
	})
}
