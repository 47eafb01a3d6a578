package handler

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// fetchOf asks for one partition, by name and by id.
func fetchOf(topic string, id byte, partition int32, offset int64) kmsg.FetchRequestTopic {
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = topic, meta.TopicID{id}
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, 1<<20
	t.Partitions = append(t.Partitions, p)
	return t
}

// fetchRequest asks without a session and waits for one byte.
func fetchRequest(maxWait time.Duration, topics ...kmsg.FetchRequestTopic) *kmsg.FetchRequest {
	q := kmsg.NewPtrFetchRequest()
	q.MaxWaitMillis, q.MinBytes, q.MaxBytes, q.SessionEpoch = int32(maxWait.Milliseconds()), 1, 50<<20, -1
	q.Topics = topics
	return q
}

func (b *recordsBroker) fetch(q *kmsg.FetchRequest, version int16) *kmsg.FetchResponse {
	b.t.Helper()
	return b.send(q, version).(*kmsg.FetchResponse)
}

// one is the single partition of an answer.
func one(t *testing.T, resp *kmsg.FetchResponse) *kmsg.FetchResponseTopicPartition {
	t.Helper()
	if resp.ErrorCode != wire.None || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		t.Fatalf("%s with %d topics", wire.CodeName(resp.ErrorCode), len(resp.Topics))
	}
	return &resp.Topics[0].Partitions[0]
}

func TestFetchInEveryVersion(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		size := b.fill(2)
		for version := int16(4); version <= 18; version++ {
			p := one(t, b.fetch(fetchRequest(0, fetchOf("t", 1, 0, 15)), version))
			if p.ErrorCode != wire.None || p.HighWatermark != 20 || p.LastStableOffset != 20 || len(p.RecordBatches) != size || p.AbortedTransactions != nil {
				t.Errorf("version %d: %s, %d bytes up to %d", version, wire.CodeName(p.ErrorCode), len(p.RecordBatches), p.HighWatermark)
			}
			if base := record.Batch(p.RecordBatches).BaseOffset(); base != 10 {
				t.Errorf("version %d: the batch begins at %d", version, base)
			}
			q := fetchRequest(0, fetchOf("t", 1, 0, 0))
			q.IsolationLevel = readCommitted
			if p := one(t, b.fetch(q, version)); len(p.RecordBatches) != 2*size || p.AbortedTransactions == nil {
				t.Errorf("version %d, committed: %d bytes, aborted %v", version, len(p.RecordBatches), p.AbortedTransactions)
			}
		}
	})
}

func TestFetchIsRefused(t *testing.T) {
	epochs := func(current, last int32) kmsg.FetchRequestTopic {
		topic := fetchOf("t", 1, 0, 0)
		topic.Partitions[0].CurrentLeaderEpoch, topic.Partitions[0].LastFetchedEpoch = current, last
		return topic
	}
	cases := map[string]struct {
		topic   kmsg.FetchRequestTopic
		version int16
		rules   groupGrants
		code    int16
	}{
		"no topic":             {fetchOf("nowhere", 9, 0, 0), 12, groupGrants{"*"}, wire.UnknownTopicOrPartition},
		"no topic id":          {fetchOf("", 9, 0, 0), 13, groupGrants{"*"}, wire.UnknownTopicID},
		"no partition":         {fetchOf("t", 1, 2, 0), 12, groupGrants{"*"}, wire.UnknownTopicOrPartition},
		"beyond the end":       {fetchOf("t", 1, 0, 11), 12, groupGrants{"*"}, wire.OffsetOutOfRange},
		"not allowed":          {fetchOf("t", 1, 0, 0), 12, groupGrants{"READ:TOPIC:u"}, wire.TopicAuthorizationFailed},
		"not allowed, by id":   {fetchOf("t", 1, 0, 0), 13, groupGrants{"READ:TOPIC:u"}, wire.TopicAuthorizationFailed},
		"internal, by its ACL": {fetchOf("__own", 3, 0, 0), 13, groupGrants{"READ:TOPIC:__own"}, wire.None},
		"an epoch to come":     {epochs(5, -1), 12, groupGrants{"*"}, wire.UnknownLeaderEpoch},
		"a last epoch to come": {epochs(-1, 5), 12, groupGrants{"*"}, wire.OffsetOutOfRange},
	}
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(1)
		for name, tc := range cases {
			b.rules = tc.rules
			if p := one(t, b.fetch(fetchRequest(0, tc.topic), tc.version)); p.ErrorCode != tc.code || tc.code != wire.None && len(p.RecordBatches) != 0 {
				t.Errorf("%s: %s, want %s", name, wire.CodeName(p.ErrorCode), wire.CodeName(tc.code))
			}
		}
	})
}

// TestFetchAsAFollower asks as a broker that has no replicas: READ is of no use to it, and CLUSTER_ACTION shows it no records.
func TestFetchAsAFollower(t *testing.T) {
	const action = "CLUSTER_ACTION:CLUSTER:kafka-cluster"
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(1)
		for _, tc := range []struct {
			topic   kmsg.FetchRequestTopic
			version int16
			rule    string
			code    int16
		}{
			{fetchOf("t", 1, 0, 0), 12, "READ:TOPIC:t", wire.TopicAuthorizationFailed},
			{fetchOf("nowhere", 9, 0, 0), 12, "READ:TOPIC:t", wire.TopicAuthorizationFailed},
			{fetchOf("", 9, 0, 0), 17, "READ:TOPIC:t", wire.TopicAuthorizationFailed},
			{fetchOf("t", 1, 0, 0), 12, action, wire.NotLeaderForPartition},
			{fetchOf("t", 1, 0, 0), 17, action, wire.NotLeaderForPartition},
			{fetchOf("nowhere", 9, 0, 0), 12, action, wire.UnknownTopicOrPartition},
			{fetchOf("", 9, 0, 0), 17, action, wire.UnknownTopicID},
		} {
			b.rules = groupGrants{tc.rule}
			q := fetchRequest(0, tc.topic)
			q.ReplicaID, q.ReplicaState.ID = 2, 2
			if p := one(t, b.fetch(q, tc.version)); p.ErrorCode != tc.code || len(p.RecordBatches) != 0 {
				t.Errorf("%q in version %d by %s: %s with %d bytes, want %s", tc.topic.Topic, tc.version, tc.rule, wire.CodeName(p.ErrorCode), len(p.RecordBatches), wire.CodeName(tc.code))
			}
		}
	})
}

func TestFetchTellsWhereLogsPart(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(1)
		first := b.set.Get("t", 0).LeaderEpoch()
		b.register(1) // the next epoch
		b.fill(1)
		topic := fetchOf("t", 1, 0, 15)
		topic.Partitions[0].LastFetchedEpoch = first
		p := one(t, b.fetch(fetchRequest(0, topic), 12))
		if p.ErrorCode != wire.None || p.DivergingEpoch.Epoch != first || p.DivergingEpoch.EndOffset != 10 || len(p.RecordBatches) != 0 {
			t.Errorf("%s: parts at %+v", wire.CodeName(p.ErrorCode), p.DivergingEpoch)
		}
		q := kmsg.NewPtrOffsetForLeaderEpochRequest()
		ask := kmsg.NewOffsetForLeaderEpochRequestTopic()
		ask.Topic = "t"
		for _, epoch := range []int32{first, first + 1, first + 2} {
			p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
			p.LeaderEpoch, p.CurrentLeaderEpoch = epoch, -1
			ask.Partitions = append(ask.Partitions, p)
		}
		q.Topics = append(q.Topics, ask)
		for i, want := range []int64{10, 20, -1} {
			got := b.send(q, 4).(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[i]
			if got.ErrorCode != wire.None || got.EndOffset != want {
				t.Errorf("epoch %d ends at %d, want %d (%s)", first+int32(i), got.EndOffset, want, wire.CodeName(got.ErrorCode))
			}
		}
		b.rules = nil
		if got := b.send(q, 4).(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]; got.ErrorCode != wire.TopicAuthorizationFailed {
			t.Errorf("without a right: %s", wire.CodeName(got.ErrorCode))
		}
		b.rules = groupGrants{"CLUSTER_ACTION:CLUSTER:kafka-cluster"}
		if got := b.send(q, 4).(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]; got.ErrorCode != wire.None {
			t.Errorf("as a broker: %s", wire.CodeName(got.ErrorCode))
		}
	})
}

func TestFetchWithinItsLimits(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		size := b.fill(3)
		if p := b.produce(produceRequest("u", 2, 0, recordsBatch(10)), 9); p.ErrorCode != wire.None {
			t.Fatal(wire.CodeName(p.ErrorCode))
		}
		cases := map[string]struct {
			most, ofPartition int
			want              [2]int
		}{
			"plenty":                   {1 << 20, 1 << 20, [2]int{3 * size, size}},
			"little for a partition":   {1 << 20, size + 1, [2]int{size, size}},
			"nothing for a partition":  {1 << 20, 1, [2]int{size, 0}},
			"little in all":            {2 * size, 1 << 20, [2]int{2 * size, 0}},
			"nothing at all, but once": {0, 1 << 20, [2]int{size, 0}},
		}
		for name, tc := range cases {
			q := fetchRequest(0, fetchOf("t", 1, 0, 0), fetchOf("u", 2, 0, 0))
			q.MaxBytes = int32(tc.most)
			q.Topics[0].Partitions[0].PartitionMaxBytes, q.Topics[1].Partitions[0].PartitionMaxBytes = int32(tc.ofPartition), int32(tc.ofPartition)
			resp := b.fetch(q, 12)
			if got := [2]int{len(resp.Topics[0].Partitions[0].RecordBatches), len(resp.Topics[1].Partitions[0].RecordBatches)}; got != tc.want {
				t.Errorf("%s: %d bytes, want %d", name, got, tc.want)
			}
		}
		b.area.MaxFetchBytes = int32(size)
		if p := one(t, b.fetch(fetchRequest(0, fetchOf("t", 1, 0, 0)), 12)); len(p.RecordBatches) != size {
			t.Errorf("beyond the broker's own limit: %d bytes", len(p.RecordBatches))
		}
	})
}

func TestFetchWaits(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		began := time.Now()
		if p := one(t, b.fetch(fetchRequest(time.Second, fetchOf("t", 1, 0, 0)), 12)); len(p.RecordBatches) != 0 || time.Since(began) != time.Second {
			t.Errorf("%d bytes after %v", len(p.RecordBatches), time.Since(began))
		}
		size := len(recordsBatch(10))
		q := fetchRequest(time.Hour, fetchOf("u", 2, 0, 0), fetchOf("t", 1, 0, 0))
		q.MinBytes = int32(2 * size)
		done := make(chan *kmsg.FetchResponse)
		go func() { done <- b.fetch(q, 12) }()
		synctest.Wait()
		b.fill(1)
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("answered before there is enough")
		default:
		}
		b.fill(1)
		resp := <-done
		if got := len(resp.Topics[1].Partitions[0].RecordBatches); got != 2*size || len(resp.Topics[0].Partitions[0].RecordBatches) != 0 {
			t.Errorf("%d bytes in place of %d", got, 2*size)
		}
	})
}

// TestAWaitingFetchEndsWithItsSession: it is answered, so that the client can renew the session and ask again.
func TestAWaitingFetchEndsWithItsSession(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		row, c, _ := b.call(fetchRequest(time.Hour, fetchOf("t", 1, 0, 0)), 12)
		began := time.Now()
		c.Received = began
		c.Session = &auth.Session{Principal: auth.User(b.user), Expires: began.Add(time.Minute)}
		answer := row.Handle(t.Context(), c)
		if p := one(t, answer.Response.(*kmsg.FetchResponse)); p.ErrorCode != wire.None || time.Since(began) != time.Minute {
			t.Errorf("%s after %v", wire.CodeName(p.ErrorCode), time.Since(began))
		}
		answer.Sent()
	})
}

func TestAWaitingFetchEndsWithItsTopicOrConnection(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		done := make(chan *kmsg.FetchResponse)
		go func() { done <- b.fetch(fetchRequest(time.Hour, fetchOf("t", 1, 0, 0)), 13) }()
		synctest.Wait()
		b.propose(&meta.DeleteTopics{IDs: []meta.TopicID{{1}}})
		if p := one(t, <-done); p.ErrorCode != wire.UnknownTopicOrPartition {
			t.Errorf("a deleted topic: %s", wire.CodeName(p.ErrorCode))
		}
		ctx, cancel := context.WithCancel(t.Context())
		row, c, _ := b.call(fetchRequest(time.Hour, fetchOf("u", 2, 0, 0)), 12)
		ended := make(chan struct{})
		go func() { row.Handle(ctx, c); close(ended) }()
		synctest.Wait()
		cancel()
		<-ended
	})
}

func TestAWaitingFetchDoesNotHoldUpTheShutdown(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		draining := make(chan struct{})
		b.area.Draining = draining
		b.fill(1)
		q := fetchRequest(time.Hour, fetchOf("t", 1, 0, 0))
		q.MinBytes = 1 << 20
		done := make(chan *kmsg.FetchResponse)
		go func() { done <- b.fetch(q, 12) }()
		synctest.Wait()
		began := time.Now()
		close(draining)
		if p := one(t, <-done); time.Since(began) != 0 || len(p.RecordBatches) != len(recordsBatch(10)) {
			t.Errorf("answered after %v with %d bytes", time.Since(began), len(p.RecordBatches))
		}
	})
}

func TestFetchSessionsTellTheNews(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(1)
		q := fetchRequest(0, fetchOf("t", 1, 0, 0), fetchOf("t", 1, 1, 0), fetchOf("u", 2, 0, 0))
		q.SessionEpoch = 0
		resp := b.fetch(q, 13)
		if resp.SessionID == 0 || len(resp.Topics) != 2 || len(resp.Topics[0].Partitions) != 2 {
			t.Fatalf("opened %+v", resp)
		}
		next := fetchRequest(0, fetchOf("", 1, 0, 10))
		next.SessionID, next.SessionEpoch = resp.SessionID, 1
		if got := b.fetch(next, 13); got.SessionID != resp.SessionID || len(got.Topics) != 0 {
			t.Errorf("no news: %+v", got)
		}
		b.fill(1)
		next = fetchRequest(0)
		next.SessionID, next.SessionEpoch = resp.SessionID, 2
		if p := one(t, b.fetch(next, 13)); p.HighWatermark != 20 || record.Batch(p.RecordBatches).BaseOffset() != 10 {
			t.Errorf("news: up to %d", p.HighWatermark)
		}
		b.user = "eve"
		next.SessionEpoch = 3
		if got := b.fetch(next, 13); got.ErrorCode != wire.FetchSessionIDNotFound {
			t.Errorf("somebody else's session: %s", wire.CodeName(got.ErrorCode))
		}
		b.user, b.rules = "alice", groupGrants{"READ:TOPIC:u"}
		for _, topic := range b.fetch(next, 13).Topics {
			for _, p := range topic.Partitions {
				if p.ErrorCode != wire.TopicAuthorizationFailed || len(p.RecordBatches) != 0 || topic.TopicID != (meta.TopicID{1}) {
					t.Errorf("a session outlives its rights: %x-%d: %s", topic.TopicID, p.Partition, wire.CodeName(p.ErrorCode))
				}
			}
		}
	})
}

// TestARightLostWhileWaiting is what the server does when the rules change under a parked fetch.
func TestARightLostWhileWaiting(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(1)
		q := fetchRequest(0, fetchOf("t", 1, 0, 0), fetchOf("u", 2, 0, 0))
		q.SessionEpoch = 0
		row, c, _ := b.call(q, 12)
		row.Handle(t.Context(), c)
		c.Granted = c.Granted.Regrant(groupGrants{"READ:TOPIC:u"})
		resp := decoded(t, row.Refuse(c, wire.TopicAuthorizationFailed)).(*kmsg.FetchResponse)
		if resp.ErrorCode != wire.None || resp.SessionID == 0 || len(resp.Topics) != 2 {
			t.Fatalf("refused as %+v", resp)
		}
		lost, kept := resp.Topics[0].Partitions[0], resp.Topics[1].Partitions[0]
		if lost.ErrorCode != wire.TopicAuthorizationFailed || len(lost.RecordBatches) != 0 || kept.ErrorCode != wire.None {
			t.Errorf("lost %s, kept %s", wire.CodeName(lost.ErrorCode), wire.CodeName(kept.ErrorCode))
		}
		if resp := row.Refuse(c, wire.ClusterAuthorizationFailed).(*kmsg.FetchResponse); resp.ErrorCode != wire.ClusterAuthorizationFailed {
			t.Errorf("refused whole: %+v", resp)
		}
		again := fetchRequest(0)
		again.SessionID, again.SessionEpoch = resp.SessionID, 1
		row, c, _ = b.call(again, 12)
		next := decoded(t, row.Handle(t.Context(), c).Response).(*kmsg.FetchResponse)
		if len(next.Topics) != 2 {
			t.Errorf("%d topics are told of once the right is back: what a refused answer had is told to nobody", len(next.Topics))
		}
	})
}

func TestZstdNeedsAVersionThatKnowsIt(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		plain := record.Batch(recordsBatch(5))
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		packed := record.Batch(append(bytes.Clone(plain[:record.HeaderSize]), w.EncodeAll(plain.Records(), nil)...))
		packed[22] |= byte(record.Zstd)
		packed[11] = byte(len(packed) - 12)
		sum := packed.ComputeCRC()
		packed[17], packed[18], packed[19], packed[20] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
		if p := b.produce(produceRequest("t", 1, 0, packed), 6); p.ErrorCode != wire.UnsupportedCompressionType {
			t.Errorf("produce 6: %s", wire.CodeName(p.ErrorCode))
		}
		if p := b.produce(produceRequest("t", 1, 0, packed), 7); p.ErrorCode != wire.None {
			t.Errorf("produce 7: %s", wire.CodeName(p.ErrorCode))
		}
		if p := one(t, b.fetch(fetchRequest(0, fetchOf("t", 1, 0, 0)), 9)); p.ErrorCode != wire.UnsupportedCompressionType {
			t.Errorf("fetch 9: %s", wire.CodeName(p.ErrorCode))
		}
		if p := one(t, b.fetch(fetchRequest(0, fetchOf("t", 1, 0, 0)), 10)); p.ErrorCode != wire.None || len(p.RecordBatches) != len(packed) {
			t.Errorf("fetch 10: %s", wire.CodeName(p.ErrorCode))
		}
	})
}

// TestASessionNeedsEveryTopicOfItsOwn: an incremental fetch that names no topic is allowed nothing by that.
func TestASessionNeedsEveryTopicOfItsOwn(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		q := fetchRequest(0, fetchOf("t", 1, 0, 0), fetchOf("u", 2, 0, 0))
		q.SessionEpoch = 0
		next := fetchRequest(0)
		next.SessionID, next.SessionEpoch = b.fetch(q, 13).SessionID, 1
		row, c, _ := b.call(next, 13)
		var asked []string
		for _, n := range row.Needs(c).Each {
			if n.Op != authz.Read || n.On.Type != authz.Topic {
				t.Errorf("asks %v on %v", n.Op, n.On.Type)
			}
			asked = append(asked, n.On.Name)
		}
		if len(asked) != 2 || c.Session.Principal != auth.User("alice") {
			t.Errorf("asks for %v", asked)
		}
	})
}
