package handler

import (
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

func (x *txnBroker) addOffsets(id string, p txn.Producer, version int16) int16 {
	x.t.Helper()
	q := kmsg.NewPtrAddOffsetsToTxnRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Group = id, p.ID, p.Epoch, "g"
	return x.send(q, version).(*kmsg.AddOffsetsToTxnResponse).ErrorCode
}

// commitOffset commits an offset of t-0 for group g, and returns its code.
func (x *txnBroker) commitOffset(id string, p txn.Producer, offset int64, version int16) int16 {
	x.t.Helper()
	return x.send(txnCommitRequest(id, p, offset, "t"), version).(*kmsg.TxnOffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

func txnCommitRequest(id string, p txn.Producer, offset int64, topics ...string) *kmsg.TxnOffsetCommitRequest {
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Group, q.Generation = id, p.ID, p.Epoch, "g", -1
	for _, name := range topics {
		topic := kmsg.NewTxnOffsetCommitRequestTopic()
		topic.Topic = name
		one := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		one.Offset = offset
		topic.Partitions = []kmsg.TxnOffsetCommitRequestTopicPartition{one}
		q.Topics = append(q.Topics, topic)
	}
	return q
}

// offset is what group g has for t-0.
func (x *txnBroker) offset(stable bool) (int64, int16) {
	x.t.Helper()
	q := kmsg.NewPtrOffsetFetchRequest()
	q.RequireStable = stable
	q.Groups = []kmsg.OffsetFetchRequestGroup{{
		Group: "g", MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{0}}},
	}}
	p := x.send(q, 9).(*kmsg.OffsetFetchResponse).Groups[0].Topics[0].Partitions[0]
	return p.Offset, p.ErrorCode
}

func (x *txnBroker) wantOffset(what string, stable bool, offset int64, code int16) {
	x.t.Helper()
	if got, c := x.offset(stable); got != offset || c != code {
		x.t.Fatalf("%s: offset %d, %s; want %d, %s", what, got, wire.CodeName(c), offset, wire.CodeName(code))
	}
}

// TestOffsetsCountWhenTheirTransactionIsCommitted goes through every version: offsets are pending, and then kept or dropped.
func TestOffsetsCountWhenTheirTransactionIsCommitted(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p, before := x.begin("id"), int64(-1)
		for version := int16(0); version <= 5; version++ {
			for _, commit := range []bool{false, true} {
				endVersion := int16(5)
				if version < txnCommitAdds {
					endVersion = 4
					wantTxnCode(t, "add", x.addOffsets("id", p, min(version, 4)), wire.None)
				}
				offset := int64(10*version) + 1
				wantTxnCode(t, "commit", x.commitOffset("id", p, offset, version), wire.None)
				x.wantOffset("pending", true, -1, wire.UnstableOffsetCommit)
				x.wantOffset("pending, for who does not care", false, before, wire.None)
				ended := x.end("id", p, commit, endVersion)
				wantTxnCode(t, "end", ended.ErrorCode, wire.None)
				synctest.Wait()
				if commit {
					before = offset
				}
				x.wantOffset("ended", true, before, wire.None)
				if endVersion >= endBumps {
					p = txn.Producer{ID: ended.ProducerID, Epoch: ended.ProducerEpoch}
				}
			}
		}
	})
}

func TestOffsetsOutsideOfTheTransactionAreRefused(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		wantTxnCode(t, "version 3", x.commitOffset("id", p, 1, 3), wire.InvalidTxnState)
		wantTxnCode(t, "version 4", x.commitOffset("id", p, 1, 4), wire.TransactionAbortable)
		old := txn.Producer{ID: p.ID, Epoch: p.Epoch - 1}
		wantTxnCode(t, "a fenced producer", x.commitOffset("id", old, 1, 4), wire.InvalidProducerEpoch)
		wantTxnCode(t, "another producer", x.commitOffset("id", txn.Producer{ID: 1}, 1, 5), wire.InvalidProducerIDMapping)
		x.wantOffset("afterwards", true, -1, wire.None)
		wantTxnCode(t, "an id that nobody has", x.addOffsets("nobody", p, 4), wire.InvalidProducerIDMapping)
		q := txnCommitRequest("id", p, 1, "t")
		q.Group = ""
		wantTxnCode(t, "no group", x.send(q, 5).(*kmsg.TxnOffsetCommitResponse).Topics[0].Partitions[0].ErrorCode, wire.InvalidGroupID)
	})
}

func TestTransactionalOffsetsAreFilteredByTopic(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		x.rules = groupGrants{"WRITE:TRANSACTIONAL_ID:id", "READ:GROUP:g", "READ:TOPIC:t", "READ:TOPIC:absent"}
		var codes []int16
		for _, topic := range x.send(txnCommitRequest("id", p, 7, "u", "absent", "t"), 5).(*kmsg.TxnOffsetCommitResponse).Topics {
			codes = append(codes, topic.Partitions[0].ErrorCode)
		}
		wantCodes(t, codes, []int16{wire.TopicAuthorizationFailed, wire.UnknownTopicOrPartition, wire.None})
		for _, lacking := range []groupGrants{{"READ:GROUP:g", "READ:TOPIC:t"}, {"WRITE:TRANSACTIONAL_ID:id", "READ:TOPIC:t"}} {
			x.rules = lacking
			wantTxnCode(t, "commit", x.commitOffset("id", p, 8, 5), wire.TransactionalIDAuthorizationFailed)
			wantTxnCode(t, "add", x.addOffsets("id", p, 4), wire.TransactionalIDAuthorizationFailed)
		}
		x.rules = groupGrants{"*"}
		wantTxnCode(t, "end", x.end("id", p, true, 5).ErrorCode, wire.None)
		synctest.Wait()
		x.wantOffset("committed", true, 7, wire.None)
	})
}

// TestWhileGroupsHaveNoPlaceOffsetsWait begins before there is a topic of offsets.
func TestWhileGroupsHaveNoPlaceOffsetsWait(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		image := x.log.Image()
		x.area.Groups.Image = func() *meta.Image { return meta.NewImage() }
		wantTxnCode(t, "add", x.addOffsets("id", p, 4), wire.CoordinatorNotAvailable)
		if len(x.created) != 1 {
			t.Errorf("topics that were asked for: %v", x.created)
		}
		x.area.Groups.Image = func() *meta.Image { return image }
		x.groups.Unload(0)
		wantTxnCode(t, "add", x.addOffsets("id", p, 4), wire.None)
		wantTxnCode(t, "commit", x.commitOffset("id", p, 1, 4), wire.NotCoordinator)
		x.txns.Unload(0)
		wantTxnCode(t, "commit without a transaction coordinator", x.commitOffset("id", p, 1, 4), wire.CoordinatorNotAvailable)
	})
}
