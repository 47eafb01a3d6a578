package simulation

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// offsetsPartition keeps the offsets of the one group.
var offsetsPartition = txn.TopicPartition{Topic: group.Topic}

const groupID = "workers"

// newGroups returns a coordinator of groups.
func (b *broker) newGroups() machine {
	return group.New(group.Config{
		MaxSize: 10, MaxOffsetMetadata: 100, OffsetsRetention: 24 * time.Hour, ExpiryInterval: time.Hour, MaxAppendBytes: 4096,
		Consumer: group.ConsumerConfig{MaxSize: 10, Assignors: []string{"uniform"}, SessionTimeout: time.Minute, RegexRefresh: time.Minute},
	})
}

func (b *broker) askGroups(q group.Request, reply func(code int16, value any)) {
	b.groups.ask(func(ticket uint64) coordinator.Event {
		return coordinator.Asked[group.Request]{Ticket: ticket, Request: q}
	}, reply)
}

// endOffsets writes a marker through the group coordinator.
func (b *broker) endOffsets(m coordinator.Marker, done func(code int16)) {
	m.Commit = m.Commit || b.w.faults.commitsAbortedOffsets
	b.askGroups(group.EndTxn{Marker: m}, func(code int16, _ any) {
		if code == wire.NotCoordinator || code == wire.CoordinatorLoadInProgress {
			code = wire.NotLeaderForPartition
		}
		done(code)
	})
}

// commitOffset carries out a TxnOffsetCommit of one partition. A record has a sequence that betrays it when it comes late, into another
// transaction of the same epoch; an offset has none, so that before transaction.version 2 it must not come late.
func (b *broker) commitOffset(c *producing, offset int64, reply func(answer)) {
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.TransactionalID, q.Group, q.ProducerID, q.ProducerEpoch = c.id, groupID, c.producer.ID, c.producer.Epoch
	q.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: c.at.Topic, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{Partition: c.at.Partition, Offset: offset, LeaderEpoch: -1}}}}
	b.ensure(c, offsetsPartition, reply, func(guard uint64) {
		commit := func() {
			b.askGroups(group.CommitTxn{TxnOffsetCommitRequest: q, Guard: guard}, func(code int16, value any) {
				if r, ok := value.(*kmsg.TxnOffsetCommitResponse); ok && code == wire.None {
					code = r.Topics[0].Partitions[0].ErrorCode
				}
				reply(answer{code: code})
			})
		}
		if c.level < 2 {
			commit()
			return
		}
		b.later(commit)
	})
}

// fetchOffset carries out an OffsetFetch of one partition. Offset -1 is none.
func (b *broker) fetchOffset(at txn.TopicPartition, reply func(answer)) {
	q := group.Fetch{Group: groupID, RequireStable: !b.w.faults.unstableOffsets, MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{
		{Topic: at.Topic, Partitions: []int32{at.Partition}},
	}}
	b.askGroups(q, func(code int16, value any) {
		a := answer{code: code}
		if r, ok := value.(*kmsg.OffsetFetchResponseGroup); ok && code == wire.None {
			p := r.Topics[0].Partitions[0]
			a.code, a.offset = p.ErrorCode, p.Offset
		}
		reply(a)
	})
}
