//go:build interop

package interop

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/test/harness"
)

// journaled is the topic of two partitions that transactions of single steps write to.
const journaled = "journaled"

// stepper makes single steps of transactions: in versions of the requests with which a broker bumps no epoch at the end of one.
type stepper struct{ client *kgo.Client }

// newStepper makes the topic too.
func newStepper(t *testing.T, b *harness.Broker, bootstrap string) *stepper {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SeedBrokers(bootstrap), kgo.MaxVersions(kversion.V3_7_0()))...)
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 2, 1, nil, journaled); err != nil {
		t.Fatal(err)
	}
	return &stepper{client}
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

// steps are those of one transactional id.
type steps struct {
	*stepper
	id        string
	producer  int64
	epoch     int16
	sequences [2]int32
}

func (s *stepper) begin(t *testing.T, id string, timeout time.Duration) *steps {
	t.Helper()
	q := kmsg.NewPtrInitProducerIDRequest()
	q.TransactionalID, q.TransactionTimeoutMillis, q.ProducerID, q.ProducerEpoch = &id, int32(timeout.Milliseconds()), -1, -1
	resp := s.request(t, q).(*kmsg.InitProducerIDResponse)
	noError(t, "begin "+id, resp.ErrorCode)
	return &steps{stepper: s, id: id, producer: resp.ProducerID, epoch: resp.ProducerEpoch}
}

func (s *steps) add(t *testing.T, partitions ...int32) {
	t.Helper()
	q := kmsg.NewPtrAddPartitionsToTxnRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch = s.id, s.producer, s.epoch
	q.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: journaled, Partitions: partitions}}
	for _, p := range s.request(t, q).(*kmsg.AddPartitionsToTxnResponse).Topics[0].Partitions {
		noError(t, "add to "+s.id, p.ErrorCode)
	}
}

// write writes a record whose value is the transactional id.
func (s *steps) write(t *testing.T, partition int32, at time.Time) {
	t.Helper()
	noError(t, "write for "+s.id, s.tryWrite(t, partition, at))
}

func (s *steps) tryWrite(t *testing.T, partition int32, at time.Time) int16 {
	t.Helper()
	var b record.Builder
	b.Add(at.UnixMilli(), nil, []byte(s.id))
	b.Transaction(s.producer, s.epoch)
	q := kmsg.NewPtrProduceRequest()
	q.TransactionID, q.Acks, q.TimeoutMillis = &s.id, -1, 10_000
	q.Topics = []kmsg.ProduceRequestTopic{{Topic: journaled, Partitions: []kmsg.ProduceRequestTopicPartition{{
		Partition: partition, Records: of(b.Batch(), int(s.producer), s.epoch, s.sequences[partition]),
	}}}}
	s.sequences[partition]++
	return s.request(t, q).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
}

// commitOffset commits an offset of the topic's first partition for a group of which nobody is a member.
func (s *steps) commitOffset(t *testing.T, group string, offset int64) {
	t.Helper()
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = s.id, s.producer, s.epoch, group
	noError(t, "add the offsets of "+group, s.request(t, add).(*kmsg.AddOffsetsToTxnResponse).ErrorCode)
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Group, q.Generation = s.id, s.producer, s.epoch, group, -1
	q.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: journaled, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{Offset: offset, LeaderEpoch: -1}}}}
	noError(t, "commit an offset of "+group, s.request(t, q).(*kmsg.TxnOffsetCommitResponse).Topics[0].Partitions[0].ErrorCode)
}

// end ends the transaction and waits for its markers.
func (s *steps) end(t *testing.T, commit bool) {
	t.Helper()
	noError(t, "end "+s.id, s.tryEnd(t, commit))
	want := "CompleteAbort"
	if commit {
		want = "CompleteCommit"
	}
	waitFor(t, "the markers of "+s.id, func() bool { return s.describe(t).State == want })
}

func (s *steps) tryEnd(t *testing.T, commit bool) int16 {
	t.Helper()
	q := kmsg.NewPtrEndTxnRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Commit = s.id, s.producer, s.epoch, commit
	return s.request(t, q).(*kmsg.EndTxnResponse).ErrorCode
}

func (s *steps) describe(t *testing.T) kmsg.DescribeTransactionsResponseTransactionState {
	t.Helper()
	q := kmsg.NewPtrDescribeTransactionsRequest()
	q.TransactionalIDs = []string{s.id}
	state := s.request(t, q).(*kmsg.DescribeTransactionsResponse).TransactionStates[0]
	noError(t, "describe "+s.id, state.ErrorCode)
	return state
}
