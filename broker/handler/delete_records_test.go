package handler

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// changeLog is a Changes that keeps what it is told.
type changeLog struct {
	intents, outcomes []meta.AuditRecord
	err               error
	// intended is called when an intent is taken.
	intended func()
}

func (c *changeLog) Intend(_ context.Context, r []meta.AuditRecord) error {
	c.intents = append(c.intents, r...)
	if c.intended != nil {
		c.intended()
	}
	return c.err
}

func (c *changeLog) Done(_ context.Context, r []meta.AuditRecord) {
	c.outcomes = append(c.outcomes, r...)
}

func deleteRequest(topic string, offsets ...int64) *kmsg.DeleteRecordsRequest {
	q := kmsg.NewPtrDeleteRecordsRequest()
	q.TimeoutMillis = 30_000
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	for i, o := range offsets {
		p := kmsg.NewDeleteRecordsRequestTopicPartition()
		p.Partition, p.Offset = int32(i), o
		t.Partitions = append(t.Partitions, p)
	}
	q.Topics = append(q.Topics, t)
	return q
}

func (b *recordsBroker) deleteRecords(q *kmsg.DeleteRecordsRequest, version int16) []kmsg.DeleteRecordsResponseTopicPartition {
	b.t.Helper()
	return b.send(q, version).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions
}

func TestDeleteRecordsInEveryVersion(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		log := &changeLog{}
		b.area.Changes = log
		b.fill(4)
		for version := int16(0); version <= 2; version++ {
			to := int64(version+1) * 10
			log.intended = func() {
				if start := b.set.Get("t", 0).LogStart(); start != to-10 {
					t.Errorf("records went before the intent was recorded: the log starts at %d", start)
				}
			}
			p := b.deleteRecords(deleteRequest("t", to), version)[0]
			if p.ErrorCode != wire.None || p.LowWatermark != to || b.set.Get("t", 0).LogStart() != to {
				t.Errorf("version %d: %s, low watermark %d", version, wire.CodeName(p.ErrorCode), p.LowWatermark)
			}
		}
		log.intended = nil
		all := b.deleteRecords(deleteRequest("t", -1, -1), 2)
		if all[0].LowWatermark != 40 || all[1].LowWatermark != 0 || all[1].ErrorCode != wire.None {
			t.Errorf("up to the high watermark: %+v", all)
		}
		intent, outcome := log.intents[3], log.outcomes[3]
		if intent.Resource != "t" || intent.ResourceType != "TOPIC" || intent.Before["0"] != "30" || intent.After["0"] != "40" || intent.After["1"] != "0" {
			t.Errorf("intent %+v", intent)
		}
		if outcome.Outcome != wire.None || outcome.After["0"] != "40" || outcome.Origin.EventID != intent.Origin.EventID || intent.Origin.EventID == "" {
			t.Errorf("outcome %+v", outcome)
		}
	})
}

func TestDeleteRecordsIsRefused(t *testing.T) {
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		log := &changeLog{}
		b.area.Changes = log
		b.fill(1)
		cases := map[string]struct {
			q    *kmsg.DeleteRecordsRequest
			rule groupGrants
			code int16
		}{
			"above the high watermark": {q: deleteRequest("t", 11), code: wire.OffsetOutOfRange},
			"a negative offset":        {q: deleteRequest("t", -2), code: wire.OffsetOutOfRange},
			"no topic":                 {q: deleteRequest("nowhere", -1), code: wire.UnknownTopicOrPartition},
			"internal":                 {q: deleteRequest("__own", -1), code: wire.InvalidTopicException},
			"not allowed":              {q: deleteRequest("t", -1), rule: groupGrants{"DELETE:TOPIC:u"}, code: wire.TopicAuthorizationFailed},
		}
		for name, tc := range cases {
			b.rules = groupGrants{"*"}
			if tc.rule != nil {
				b.rules = tc.rule
			}
			if p := b.deleteRecords(tc.q, 2)[0]; p.ErrorCode != tc.code || p.LowWatermark != -1 {
				t.Errorf("%s: %s, low watermark %d", name, wire.CodeName(p.ErrorCode), p.LowWatermark)
			}
		}
		b.rules = groupGrants{"*"}
		twice := deleteRequest("t", 5, 5)
		twice.Topics[0].Partitions[1].Partition = 0
		log.err = errors.New("the log is gone")
		if p := b.deleteRecords(twice, 2); p[0].ErrorCode != wire.KafkaStorageError || p[1].ErrorCode != wire.InvalidRequest {
			t.Errorf("without an audit log: %+v", p)
		}
		if start := b.set.Get("t", 0).LogStart(); start != 0 {
			t.Errorf("records went without a record of it: the log starts at %d", start)
		}
		log.err = context.DeadlineExceeded
		if p := b.deleteRecords(deleteRequest("t", 5), 2)[0]; p.ErrorCode != wire.RequestTimedOut {
			t.Errorf("an intent that took longer than the client waits: %s", wire.CodeName(p.ErrorCode))
		}
		if len(log.outcomes) != 2 || log.outcomes[0].Outcome != wire.KafkaStorageError {
			t.Errorf("outcomes %+v", log.outcomes)
		}
	})
}

func TestManyPartitionsAreRecordedInParts(t *testing.T) {
	p := changedParts{resourceType: "TOPIC"}
	for i := range 2*detailsPerRecord + 1 {
		p.add("t", string(rune('a'))+string(rune(i)), wire.None, "0", "1")
	}
	p.add("t", "z", wire.KafkaStorageError, "0", "")
	if len(p.records) != 4 || len(p.records[1].After) != detailsPerRecord || p.records[3].Outcome != wire.KafkaStorageError {
		t.Errorf("%d records", len(p.records))
	}
}
