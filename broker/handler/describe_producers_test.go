package handler

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// transact appends a record of a transaction to t-0.
func (b *recordsBroker) transact(producerID int64, epoch int16) {
	b.t.Helper()
	var batch record.Builder
	batch.Add(recordsTime.UnixMilli(), []byte("key"), []byte("value"))
	batch.Transaction(producerID, epoch)
	part := b.set.Get("t", 0)
	guard, err := part.StartVerification(producerID, epoch, -1, false)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := part.AppendTransactional(batch.Batch(), guard, recordsTime); err != nil {
		b.t.Fatal(err)
	}
}

func producersOf(topic string, partitions ...int32) *kmsg.DescribeProducersRequest {
	q := kmsg.NewPtrDescribeProducersRequest()
	q.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: topic, Partitions: partitions}}
	return q
}

// describeProducers returns an answer as text, a line for each partition.
func (b *recordsBroker) describeProducers(q *kmsg.DescribeProducersRequest) []string {
	b.t.Helper()
	var lines []string
	for _, topic := range b.send(q, 0).(*kmsg.DescribeProducersResponse).Topics {
		for _, p := range topic.Partitions {
			line := fmt.Sprintf("%s-%d %s", topic.Topic, p.Partition, wire.CodeName(p.ErrorCode))
			for _, a := range p.ActiveProducers {
				line += fmt.Sprintf(" [%d/%d sequence %d at %d, coordinator %d, open from %d]", a.ProducerID, a.ProducerEpoch, a.LastSequence,
					a.LastTimestamp-recordsTime.UnixMilli(), a.CoordinatorEpoch, a.CurrentTxnStartOffset)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestDescribeProducers(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(1) // 0 to 9, of no producer
		b.transact(7, 3)
		b.transact(5, 0)
		if _, err := b.set.Get("t", 0).AppendMarker(record.EndTxn{ProducerID: 5, Commit: true, CoordinatorEpoch: 2}, 1, recordsTime); err != nil {
			t.Fatal(err)
		}
		b.transact(5, 0)
		b.transact(5, 0)
		b.propose(&meta.RegisterBroker{Broker: meta.Broker{ID: 2}})
		b.propose(&meta.CreateTopics{Topics: []meta.NewTopic{{Name: "far", ID: meta.TopicID{4}, Replicas: [][]int32{{2}}}}})
		q := producersOf("t", 0, 1, 2, 0)
		q.Topics = append(q.Topics, producersOf("t", 1).Topics[0], producersOf("nothing", 0).Topics[0], producersOf("not/legal", 0, 1).Topics[0],
			producersOf("far", 0).Topics[0], producersOf("__own", 0).Topics[0])
		want := []string{
			"t-0 NONE [5/0 sequence 0 at 0, coordinator 2, open from 13] [7/3 sequence 0 at 0, coordinator -1, open from 10]", "t-1 NONE",
			"t-2 UNKNOWN_TOPIC_OR_PARTITION", "t-0 INVALID_REQUEST", "t-1 INVALID_REQUEST", "nothing-0 UNKNOWN_TOPIC_OR_PARTITION",
			"not/legal-0 INVALID_TOPIC_EXCEPTION", "not/legal-1 INVALID_TOPIC_EXCEPTION", "far-0 NOT_LEADER_FOR_PARTITION", "__own-0 NONE",
		}
		if diff := cmp.Diff(want, b.describeProducers(q)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDescribeProducersNeedsRead(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.transact(7, 3)
		b.rules = groupGrants{"DESCRIBE:TOPIC:t", "READ:TOPIC:u"}
		q := producersOf("t", 0)
		q.Topics = append(q.Topics, producersOf("u", 0).Topics[0], producersOf("nothing", 0).Topics[0])
		want := []string{"t-0 TOPIC_AUTHORIZATION_FAILED", "u-0 NONE", "nothing-0 TOPIC_AUTHORIZATION_FAILED"}
		if diff := cmp.Diff(want, b.describeProducers(q)); diff != "" {
			t.Error(diff)
		}
	})
}
