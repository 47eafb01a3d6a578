package handler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/quota"
	"github.com/chronik-stream/chronik/broker/wire"
)

// quotasOn follows a log with the quotas of eleven samples of a second. The clock stands.
func quotasOn(t testing.TB, log *securityLog) *quota.Manager {
	t.Helper()
	metrics, err := quota.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	m := quota.New(quota.Config{
		Samples: 11, Window: time.Second, ControllerSamples: 11, ControllerWindow: time.Second, Metrics: metrics,
		Clock: func() time.Time { return recordsTime },
	})
	log.Subscribe(m.Follow)
	return m
}

func limitOf(user, key string, value float64) *meta.AlterQuotas {
	return &meta.AlterQuotas{Changes: []meta.QuotaChange{{
		Entity: meta.QuotaEntity{User: meta.Named(user)}, Ops: []meta.QuotaOp{{Key: key, Value: value}},
	}}}
}

// answer handles a request of so many bytes without what comes after the handler.
func (b *recordsBroker) answer(q kmsg.Request, version int16, bytes int) api.Answer {
	b.t.Helper()
	row, c, refused := b.call(q, version)
	if refused != nil {
		b.t.Fatalf("refused: %+v", refused)
	}
	c.Bytes = bytes
	return row.Handle(b.t.Context(), c)
}

func TestProducersAreThrottledByTheSizeOfTheirRequests(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.area.Quotas = quotasOn(t, b.log)
		b.propose(limitOf("alice", meta.ProducerByteRate, 1000))
		for _, want := range []time.Duration{0, time.Second} {
			answer := b.answer(produceRequest("t", 1, 0, recordsBatch(1)), 9, 5500)
			if answer.Throttle != want {
				t.Errorf("held back for %v, want %v", answer.Throttle, want)
			}
			resp := answer.Later(t.Context()).(*kmsg.ProduceResponse)
			if code := resp.Topics[0].Partitions[0].ErrorCode; code != wire.None {
				t.Errorf("a producer that is held back is answered %s", wire.CodeName(code))
			}
		}
		q := produceRequest("t", 1, 0, recordsBatch(1))
		q.Acks = 0
		if answer := b.answer(q, 9, 1000); answer.Throttle != 2*time.Second || answer.Close {
			t.Errorf("without acks: %+v", answer)
		}
		b.user = "bob"
		if answer := b.answer(produceRequest("t", 1, 0, recordsBatch(1)), 9, 1<<20); answer.Throttle != 0 {
			t.Errorf("another user is held back for %v", answer.Throttle)
		}
	})
}

func TestAThrottledFetchHasNoRecords(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		size := b.fill(8)
		b.area.Quotas = quotasOn(t, b.log)
		b.propose(limitOf("alice", meta.ConsumerByteRate, float64(size/2))) // one answer may have five batches
		answer := b.answer(fetchRequest(0, fetchOf("t", 1, 0, 0)), 12, 0)
		if got := len(one(t, answer.Response.(*kmsg.FetchResponse)).RecordBatches); got != 4*size || answer.Throttle != 0 {
			t.Errorf("%d bytes in an answer, batches have %d; held back for %v", got, size, answer.Throttle)
		}
		answer = b.answer(fetchRequest(0, fetchOf("t", 1, 0, 0)), 12, 0)
		if resp := answer.Response.(*kmsg.FetchResponse); answer.Throttle <= 0 || len(resp.Topics) != 0 || resp.ErrorCode != wire.None || resp.SessionID != 0 {
			t.Errorf("held back for %v with %+v", answer.Throttle, resp)
		}
		if answer.Sent != nil {
			t.Error("what is not sent is still held")
		}
	})
}

func TestAThrottledFetchKeepsItsSession(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		size := b.fill(2)
		b.area.Quotas = quotasOn(t, b.log)
		open := fetchRequest(0, fetchOf("t", 1, 0, 20))
		open.SessionEpoch = 0
		id := b.answer(open, 12, 0).Response.(*kmsg.FetchResponse).SessionID
		if id == 0 {
			t.Fatal("no session was opened")
		}
		b.propose(limitOf("alice", meta.ConsumerByteRate, float64(size/5)))
		b.answer(fetchRequest(0, fetchOf("t", 1, 0, 0)), 12, 0)
		next := fetchRequest(0, fetchOf("t", 1, 0, 0))
		next.SessionID, next.SessionEpoch = id, 1
		answer := b.answer(next, 12, 0)
		if resp := answer.Response.(*kmsg.FetchResponse); answer.Throttle <= 0 || resp.SessionID != id || len(resp.Topics) != 0 {
			t.Errorf("held back for %v with %+v", answer.Throttle, resp)
		}
		b.propose(limitOf("alice", meta.ConsumerByteRate, 1<<30))
		again := fetchRequest(0)
		again.SessionID, again.SessionEpoch = id, 2
		if p := one(t, b.answer(again, 12, 0).Response.(*kmsg.FetchResponse)); len(p.RecordBatches) != 2*size {
			t.Errorf("the session goes on with %d bytes", len(p.RecordBatches))
		}
	})
}

// TestChangesOfPartitionsAreLimited: newer clients are refused what they owe, older ones are let through and held back.
func TestChangesOfPartitionsAreLimited(t *testing.T) {
	b := newTopicBroker(t)
	b.topics.Quotas = quotasOn(t, b.log)
	b.propose(limitOf("admin", meta.ControllerMutationRate, 1))
	create := func(version int16, names ...string) (codes []int16) {
		q := kmsg.NewPtrCreateTopicsRequest()
		for _, name := range names {
			topic := kmsg.NewCreateTopicsRequestTopic()
			topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 6, 1
			q.Topics = append(q.Topics, topic)
		}
		for _, topic := range sendTopic[*kmsg.CreateTopicsResponse](b, "admin", version, q).Topics {
			codes = append(codes, topic.ErrorCode)
		}
		return codes
	}
	if diff := cmp.Diff([]int16{wire.None, wire.None, wire.ThrottlingQuotaExceeded}, create(6, "a", "b", "c")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int16{wire.None}, create(5, "d")); diff != "" {
		t.Error(diff)
	}
	more := kmsg.NewPtrCreatePartitionsRequest()
	more.Topics = append(more.Topics, kmsg.CreatePartitionsRequestTopic{Topic: "a", Count: 7})
	if code := sendTopic[*kmsg.CreatePartitionsResponse](b, "admin", 3, more).Topics[0].ErrorCode; code != wire.ThrottlingQuotaExceeded {
		t.Errorf("more partitions: %s", wire.CodeName(code))
	}
	name := "a"
	gone := kmsg.NewPtrDeleteTopicsRequest()
	gone.TopicNames, gone.Topics = []string{name}, []kmsg.DeleteTopicsRequestTopic{{Topic: &name}}
	if code := sendTopic[*kmsg.DeleteTopicsResponse](b, "admin", 5, gone).Topics[0].ErrorCode; code != wire.ThrottlingQuotaExceeded {
		t.Errorf("delete: %s", wire.CodeName(code))
	}
	if code := sendTopic[*kmsg.DeleteTopicsResponse](b, "admin", 4, gone).Topics[0].ErrorCode; code != wire.None {
		t.Errorf("delete by an older client: %s", wire.CodeName(code))
	}
}
