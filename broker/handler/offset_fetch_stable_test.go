package handler

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestFetchOfStableOffsets(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 5, 0, 1))
		pending := kmsg.NewPtrTxnOffsetCommitRequest()
		pending.Group, pending.Generation, pending.ProducerID = "g", -1, 4000
		pending.Topics = []kmsg.TxnOffsetCommitRequestTopic{{
			Topic: "t", Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{Partition: 0, Offset: 9}},
		}}
		if _, err := b.shards.SendGroup(t.Context(), "g", group.CommitTxn{TxnOffsetCommitRequest: pending})(t.Context()); err != nil {
			t.Fatal(err)
		}
		for version := int16(7); version <= 10; version++ {
			for _, stable := range []bool{false, true} {
				for _, all := range []bool{false, true} {
					first, second := b.fetchedStable(version, stable, all)
					want, code := int64(5), wire.None
					if stable {
						want, code = -1, wire.UnstableOffsetCommit
					}
					if first.Offset != want || first.ErrorCode != code || second.Offset != 5 || second.ErrorCode != wire.None {
						t.Errorf("version %d, stable %t, all %t: %+v, %+v", version, stable, all, first, second)
					}
				}
			}
		}
	})
}

// fetchedStable fetches partitions 0 and 1 of topic "t", named or with all others.
func (b *groupBroker) fetchedStable(version int16, stable, all bool) (first, second kmsg.OffsetFetchResponseGroupTopicPartition) {
	b.t.Helper()
	q := kmsg.NewPtrOffsetFetchRequest()
	q.Version, q.Group, q.RequireStable = version, "g", stable
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = "g"
	if !all {
		q.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0, 1}}}
		one.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", TopicID: [16]byte{1}, Partitions: []int32{0, 1}}}
	}
	q.Groups = []kmsg.OffsetFetchRequestGroup{one}
	r := sendGroup[*kmsg.OffsetFetchResponse](b, q)
	if version >= fetchMany {
		parts := r.Groups[0].Topics[0].Partitions
		return parts[0], parts[1]
	}
	var list []kmsg.OffsetFetchResponseGroupTopicPartition
	for _, p := range r.Topics[0].Partitions {
		list = append(list, kmsg.OffsetFetchResponseGroupTopicPartition{Partition: p.Partition, Offset: p.Offset, ErrorCode: p.ErrorCode})
	}
	return list[0], list[1]
}
