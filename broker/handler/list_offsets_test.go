package handler

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

func (b *recordsBroker) listOffset(topic string, partition int32, timestamp int64, version int16) kmsg.ListOffsetsResponseTopicPartition {
	b.t.Helper()
	q := kmsg.NewPtrListOffsetsRequest()
	q.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, timestamp
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	return b.send(q, version).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
}

func TestListOffsets(t *testing.T) {
	ms := recordsTime.UnixMilli()
	cases := map[string]struct {
		question int64
		since    int16
		offset   int64
		time     int64
	}{
		"latest":         {-1, 1, 20, -1},
		"earliest":       {-2, 1, 0, -1},
		"largest time":   {-3, 7, 9, ms + 9},
		"earliest local": {-4, 8, 0, -1},
		"tiered":         {-5, 9, -1, -1},
		"pending":        {-6, 11, -1, -1},
		"a time":         {ms + 3, 1, 3, ms + 3},
		"a later time":   {ms + 30, 1, -1, -1},
	}
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		b.fill(2)
		for name, tc := range cases {
			for version := int16(1); version <= 11; version++ {
				p := b.listOffset("t", 0, tc.question, version)
				switch {
				case version < tc.since:
					if p.ErrorCode != wire.UnsupportedVersion {
						t.Errorf("%s in version %d: %s", name, version, wire.CodeName(p.ErrorCode))
					}
				case p.ErrorCode != wire.None || p.Offset != tc.offset || p.Timestamp != tc.time:
					t.Errorf("%s in version %d: offset %d, time %d, %s", name, version, p.Offset, p.Timestamp, wire.CodeName(p.ErrorCode))
				}
			}
		}
		if p := b.listOffset("nowhere", 0, -1, 7); p.ErrorCode != wire.UnknownTopicOrPartition || p.Offset != -1 {
			t.Errorf("no topic: %s", wire.CodeName(p.ErrorCode))
		}
		b.rules = groupGrants{"DESCRIBE:TOPIC:u"}
		if p := b.listOffset("t", 0, -1, 7); p.ErrorCode != wire.TopicAuthorizationFailed {
			t.Errorf("without a right: %s", wire.CodeName(p.ErrorCode))
		}
	})
}
