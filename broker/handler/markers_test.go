package handler

import (
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

func markersRequest(p txn.Producer, coordinatorEpoch int32, topics ...kmsg.WriteTxnMarkersRequestMarkerTopic) *kmsg.WriteTxnMarkersRequest {
	q := kmsg.NewPtrWriteTxnMarkersRequest()
	q.Markers = []kmsg.WriteTxnMarkersRequestMarker{{
		ProducerID: p.ID, ProducerEpoch: p.Epoch, CoordinatorEpoch: coordinatorEpoch, Topics: topics,
	}}
	return q
}

func (x *txnBroker) mark(q *kmsg.WriteTxnMarkersRequest, version int16) []int16 {
	x.t.Helper()
	resp := x.send(q, version).(*kmsg.WriteTxnMarkersResponse)
	var codes []int16
	for _, m := range resp.Markers {
		if m.ProducerID != q.Markers[0].ProducerID {
			x.t.Errorf("the answer is for producer %d", m.ProducerID)
		}
		for _, topic := range m.Topics {
			for _, p := range topic.Partitions {
				codes = append(codes, p.ErrorCode)
			}
		}
	}
	return codes
}

// TestAHangingTransactionIsAborted does what kafka-transactions abort does, with an intent in the audit log before the effect.
func TestAHangingTransactionIsAborted(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		for version := int16(1); version <= 2; version++ {
			wantTxnCode(t, "add", x.add("id", p, "t", 0, 3), wire.None)
			wantTxnCode(t, "batch", x.write("id", p, int32(version-1), 11), wire.None)
			part := x.set.Get("t", 0)
			before := part.LogEnd()
			x.changes.intended = func() {
				if part.LogEnd() != before {
					t.Error("the marker was written before the intent was recorded")
				}
			}
			wantCodes(t, x.mark(markersRequest(p, 0, kmsg.WriteTxnMarkersRequestMarkerTopic{Topic: "t", Partitions: []int32{0}}), version), []int16{wire.None})
			if part.LastStable() != part.LogEnd() || part.LogEnd() != before+1 {
				t.Errorf("version %d: the last stable offset is %d of %d", version, part.LastStable(), part.LogEnd())
			}
		}
		if len(x.changes.intents) != 2 || len(x.changes.outcomes) != 2 {
			t.Fatalf("%d intents, %d outcomes", len(x.changes.intents), len(x.changes.outcomes))
		}
		intent, outcome := x.changes.intents[0], x.changes.outcomes[0]
		if intent.Resource != "t" || intent.After["0"] != "abort of producer 101, epoch 0, coordinator epoch 0" || outcome.Origin.EventID != intent.Origin.EventID || outcome.Outcome != wire.None {
			t.Errorf("intent %+v, outcome %+v", intent, outcome)
		}
	})
}

func TestMarkersThatAreRefused(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		wantTxnCode(t, "add", x.add("id", p, "t", 0, 3), wire.None)
		wantTxnCode(t, "batch", x.write("id", p, 0, 11), wire.None)
		wantTxnCode(t, "end", x.end("id", p, true, 4).ErrorCode, wire.None)
		synctest.Wait()
		part := x.set.Get("t", 0)
		end := part.LogEnd()
		topic := func(name string, partitions ...int32) kmsg.WriteTxnMarkersRequestMarkerTopic {
			return kmsg.WriteTxnMarkersRequestMarkerTopic{Topic: name, Partitions: partitions}
		}
		wantCodes(t, x.mark(markersRequest(p, 1, topic("t", 2), topic("absent", 0), topic("__own", 0)), 1),
			[]int16{wire.UnknownTopicOrPartition, wire.UnknownTopicOrPartition, wire.InvalidTopicException})
		wantCodes(t, x.mark(markersRequest(p, 0, topic("t", 0)), 1), []int16{wire.TransactionCoordinatorFenced})
		wantCodes(t, x.mark(markersRequest(txn.Producer{ID: p.ID, Epoch: -1}, 1, topic("t", 0)), 1), []int16{wire.InvalidProducerEpoch})
		x.changes.err = wire.Errorf(wire.KafkaStorageError, "no audit log")
		wantCodes(t, x.mark(markersRequest(p, 1, topic("t", 0)), 1), []int16{wire.KafkaStorageError})
		if part.LogEnd() != end {
			t.Errorf("something was written: the log ends at %d, not %d", part.LogEnd(), end)
		}
		x.rules = groupGrants{"ALTER:CLUSTER:kafka-cluster"}
		x.changes.err = nil
		wantCodes(t, x.mark(markersRequest(p, 1, topic("t", 0)), 1), []int16{wire.None})
		x.rules = groupGrants{"CLUSTER_ACTION:CLUSTER:kafka-cluster"}
		wantCodes(t, x.mark(markersRequest(p, 1, topic("t", 0)), 1), []int16{wire.None})
		x.rules = groupGrants{"WRITE:TOPIC:t"}
		end = part.LogEnd()
		wantCodes(t, x.mark(markersRequest(p, 1, topic("t", 0)), 1), []int16{wire.TransactionalIDAuthorizationFailed})
		if part.LogEnd() != end {
			t.Error("who may not has written a marker")
		}
	})
}
