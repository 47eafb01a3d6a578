package broker

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestVerificationIsTurnedOffAtRunTime sends batches of transactions that t is not part of, while transaction.partition.verification.enable
// is altered as the default of all brokers: they are refused, unless nothing is verified.
func TestVerificationIsTurnedOffAtRunTime(t *testing.T) {
	const key = "transaction.partition.verification.enable"
	o := options(t, map[string]string{"super.users": "User:" + testUser})
	format(t, o)
	b := start(t, o)
	defer func() { stop(t, b) }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	makeTopic(ctx, t, b)
	off := "false"
	for _, step := range []struct {
		what    string
		alter   []kadm.AlterConfig
		restart bool
		want    int16
	}{
		{what: "by default", want: wire.TransactionAbortable},
		{what: "off", alter: []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &off}}, want: wire.None},
		{what: "off after a restart", restart: true, want: wire.None},
		{what: "by default again", alter: []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: key}}, want: wire.TransactionAbortable},
	} {
		if step.restart {
			stop(t, b)
			b = start(t, o)
		}
		if step.alter != nil {
			alterBrokers(ctx, t, b, step.alter)
		}
		if code := sendOutside(ctx, t, b, step.what); code != step.want {
			t.Errorf("%s: code %d, not %d", step.what, code, step.want)
		}
	}
}

// alterBrokers alters the default of all brokers.
func alterBrokers(ctx context.Context, t *testing.T, b *Broker, configs []kadm.AlterConfig) {
	t.Helper()
	c := client(t, b)
	defer c.Close()
	altered, err := kadm.NewClient(c).AlterBrokerConfigs(ctx, configs)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range altered {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
	}
}

// sendOutside sends a batch of a transaction that t is not part of, and returns the code. Its version leaves it to the client to add t.
func sendOutside(ctx context.Context, t *testing.T, b *Broker, id string) int16 {
	t.Helper()
	q := kmsg.NewPtrProduceRequest()
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(q.Key(), 11)
	c := client(t, b, kgo.MaxVersions(versions), kgo.TransactionalID(id), kgo.RequestRetries(20))
	defer c.Close()
	producer, epoch, err := c.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var batch record.Builder
	batch.Transaction(producer, epoch)
	batch.Add(time.Now().UnixMilli(), nil, []byte(id))
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = batch.Batch()
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.Partitions = "t", append(topic.Partitions, part)
	q.TransactionID, q.Acks, q.TimeoutMillis, q.Topics = &id, -1, 10_000, append(q.Topics, topic)
	resp, err := q.RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Topics[0].Partitions[0].ErrorCode
}
