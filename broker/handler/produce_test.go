package handler

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestProduceInEveryVersion(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		for version := int16(3); version <= 13; version++ {
			p := b.produce(produceRequest("t", 1, 1, recordsBatch(2)), version)
			if want := int64(version-3) * 2; p.ErrorCode != wire.None || p.BaseOffset != want {
				t.Errorf("version %d: %s, offset %d in place of %d", version, wire.CodeName(p.ErrorCode), p.BaseOffset, want)
			}
		}
	})
}

func TestProduceIsRefused(t *testing.T) {
	edited := func(edit func(record.Batch)) []byte {
		b := record.Batch(recordsBatch(2))
		edit(b)
		binary.BigEndian.PutUint32(b[17:], b.ComputeCRC())
		return b
	}
	cases := map[string]struct {
		q    *kmsg.ProduceRequest
		rule groupGrants
		code int16
	}{
		"no topic":      {q: produceRequest("nowhere", 9, 0, recordsBatch(1)), code: wire.UnknownTopicOrPartition},
		"no partition":  {q: produceRequest("t", 1, 2, recordsBatch(1)), code: wire.UnknownTopicOrPartition},
		"internal":      {q: produceRequest("__own", 3, 0, recordsBatch(1)), code: wire.InvalidTopicException},
		"not allowed":   {q: produceRequest("t", 1, 0, recordsBatch(1)), rule: groupGrants{"WRITE:TOPIC:u"}, code: wire.TopicAuthorizationFailed},
		"nothing":       {q: produceRequest("t", 1, 0, nil), code: wire.InvalidRecord},
		"control":       {q: produceRequest("t", 1, 0, edited(func(b record.Batch) { b[22] |= 1 << 5 })), code: wire.InvalidRecord},
		"count":         {q: produceRequest("t", 1, 0, edited(func(b record.Batch) { b[60] = 3 })), code: wire.InvalidRecord},
		"codec":         {q: produceRequest("t", 1, 0, edited(func(b record.Batch) { b[22] |= 7 })), code: wire.UnsupportedCompressionType},
		"transactional": {q: produceRequest("t", 1, 0, edited(func(b record.Batch) { b[22] |= 1 << 4 })), code: wire.InvalidRecord},
		"checksum":      {q: produceRequest("t", 1, 0, func() []byte { b := recordsBatch(1); b[17]++; return b }()), code: wire.CorruptMessage},
	}
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		for name, tc := range cases {
			b.rules = groupGrants{"*"}
			if tc.rule != nil {
				b.rules = tc.rule
			}
			p := b.produce(tc.q, 12)
			if p.ErrorCode != tc.code || p.BaseOffset != -1 || p.ErrorMessage == nil {
				t.Errorf("%s: %s at offset %d", name, wire.CodeName(p.ErrorCode), p.BaseOffset)
			}
		}
		if end := b.set.Get("t", 0).LogEnd(); end != 0 {
			t.Errorf("something was written: the log ends at %d", end)
		}
	})
}

func TestProduceIsRefusedWhole(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		q := produceRequest("t", 1, 0, recordsBatch(1))
		q.Acks = 2
		if p := b.produce(q, 9); p.ErrorCode != wire.InvalidRequiredAcks {
			t.Errorf("acks=2: %s", wire.CodeName(p.ErrorCode))
		}
		id := "tx"
		q = produceRequest("t", 1, 0, recordsBatch(1))
		q.TransactionID = &id
		b.rules = groupGrants{"WRITE:TOPIC:t"}
		if p := b.produce(q, 9); p.ErrorCode != wire.TransactionalIDAuthorizationFailed {
			t.Errorf("a transactional id without a right: %s", wire.CodeName(p.ErrorCode))
		}
		if end := b.set.Get("t", 0).LogEnd(); end != 0 {
			t.Errorf("something was written: the log ends at %d", end)
		}
	})
}

func TestProduceByID(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		if p := b.produce(produceRequest("", 9, 0, recordsBatch(1)), 13); p.ErrorCode != wire.UnknownTopicID {
			t.Errorf("an unknown id: %s", wire.CodeName(p.ErrorCode))
		}
		// The topic is deleted and made anew between the resolving of its name and the append.
		row, c, _ := b.call(produceRequest("", 1, 0, recordsBatch(1)), 13)
		b.propose(&meta.DeleteTopics{IDs: []meta.TopicID{{1}}})
		b.propose(&meta.CreateTopics{Topics: []meta.NewTopic{{Name: "t", ID: meta.TopicID{7}, Replicas: [][]int32{{1}}}}})
		resp := row.Handle(t.Context(), c).Later(t.Context()).(*kmsg.ProduceResponse)
		if code := resp.Topics[0].Partitions[0].ErrorCode; code != wire.UnknownTopicID || b.set.Get("t", 0).LogEnd() != 0 {
			t.Errorf("another topic of the name took the batch: %s", wire.CodeName(code))
		}
	})
}

func TestProduceWithoutAcks(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		q := produceRequest("t", 1, 0, recordsBatch(1))
		q.Acks = 0
		if resp := b.send(q, 9); resp != nil {
			t.Errorf("acks=0 is answered: %+v", resp)
		}
		q = produceRequest("nowhere", 9, 0, recordsBatch(1))
		q.Acks = 0
		row, c, _ := b.call(q, 9)
		if answer := row.Handle(t.Context(), c); !answer.Close || answer.Response != nil || answer.Later != nil {
			t.Errorf("an error with acks=0 does not close: %+v", answer)
		}
	})
}

func TestProduceBlamesRecords(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		var batch record.Builder
		batch.Add(recordsTime.UnixMilli(), nil, []byte("good"))
		batch.Add(recordsTime.Add(2*time.Hour).UnixMilli(), nil, []byte("bad"))
		p := b.produce(produceRequest("t", 1, 0, batch.Batch()), 8)
		if p.ErrorCode != wire.InvalidTimestamp || len(p.ErrorRecords) != 1 || p.ErrorRecords[0].RelativeOffset != 1 || p.ErrorRecords[0].ErrorMessage == nil {
			t.Errorf("%s, records %+v", wire.CodeName(p.ErrorCode), p.ErrorRecords)
		}
	})
}

func TestTheWrongLeaderNamesTheRightOne(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.register(2)
		b.propose(&meta.CreateTopics{Topics: []meta.NewTopic{{Name: "far", ID: meta.TopicID{8}, Replicas: [][]int32{{2}}}}})
		resp := b.send(produceRequest("far", 8, 0, recordsBatch(1)), 12).(*kmsg.ProduceResponse)
		p := resp.Topics[0].Partitions[0]
		if p.ErrorCode != wire.NotLeaderForPartition || p.CurrentLeader.LeaderID != 2 || len(resp.Brokers) != 1 || resp.Brokers[0].Host != "broker-2.test" {
			t.Errorf("%s: leader %+v of %+v", wire.CodeName(p.ErrorCode), p.CurrentLeader, resp.Brokers)
		}
		fetched := b.fetch(fetchRequest(0, fetchOf("far", 8, 0, 0)), 16)
		if got := fetched.Topics[0].Partitions[0]; got.ErrorCode != wire.NotLeaderForPartition || got.CurrentLeader.LeaderID != 2 || fetched.Brokers[0].Port != 9094 {
			t.Errorf("%s: leader %+v of %+v", wire.CodeName(got.ErrorCode), got.CurrentLeader, fetched.Brokers)
		}
	})
}

// TestOlderClientsAreNotToldOfNodes: Java's end on a tagged field that their version does not have.
func TestOlderClientsAreNotToldOfNodes(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.register(2)
		b.propose(&meta.CreateTopics{Topics: []meta.NewTopic{{Name: "far", ID: meta.TopicID{8}, Replicas: [][]int32{{2}}}}})
		resp := b.send(produceRequest("far", 8, 0, recordsBatch(1)), 9).(*kmsg.ProduceResponse)
		if p := resp.Topics[0].Partitions[0]; p.ErrorCode != wire.NotLeaderForPartition || p.CurrentLeader.LeaderID != -1 || resp.Brokers != nil {
			t.Errorf("%s: leader %+v of %+v", wire.CodeName(p.ErrorCode), p.CurrentLeader, resp.Brokers)
		}
		fetched := b.fetch(fetchRequest(0, fetchOf("far", 8, 0, 0)), 12)
		if got := fetched.Topics[0].Partitions[0]; got.ErrorCode != wire.NotLeaderForPartition || got.CurrentLeader.LeaderID != 2 || fetched.Brokers != nil {
			t.Errorf("%s: leader %+v of %+v", wire.CodeName(got.ErrorCode), got.CurrentLeader, fetched.Brokers)
		}
	})
}
