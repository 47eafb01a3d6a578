package handler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestATransactionOfAnOldClient goes through a whole life with a client that adds its partitions itself.
func TestATransactionOfAnOldClient(t *testing.T) {
	for _, commit := range []bool{true, false} {
		withTransactions(t, func(t *testing.T, x *txnBroker) {
			p := x.begin("id")
			wantTxnCode(t, "add", x.add("id", p, "t", 0, 3), wire.None)
			wantTxnCode(t, "first batch", x.write("id", p, 0, 11), wire.None)
			wantTxnCode(t, "second batch", x.write("id", p, 1, 11), wire.None)
			part := x.set.Get("t", 0)
			if stable := part.LastStable(); stable != 0 {
				t.Errorf("the last stable offset of an open transaction is %d", stable)
			}
			ended := x.end("id", p, commit, 4)
			wantTxnCode(t, "end", ended.ErrorCode, wire.None)
			if ended.ProducerID != -1 || ended.ProducerEpoch != -1 {
				t.Errorf("an old client is told to be %d/%d", ended.ProducerID, ended.ProducerEpoch)
			}
			synctest.Wait()
			if stable := part.LastStable(); stable != 3 {
				t.Errorf("the last stable offset is %d after two records and a marker", stable)
			}
			if state := x.describe("id"); state.State != map[bool]string{true: "CompleteCommit", false: "CompleteAbort"}[commit] {
				t.Errorf("the transaction is in state %s", state.State)
			}
			wantTxnCode(t, "the same end again", x.end("id", p, commit, 4).ErrorCode, wire.None)
			wantTxnCode(t, "the other end", x.end("id", p, !commit, 4).ErrorCode, wire.InvalidTxnState)
		})
	}
}

func (x *txnBroker) describe(id string) kmsg.DescribeTransactionsResponseTransactionState {
	x.t.Helper()
	q := kmsg.NewPtrDescribeTransactionsRequest()
	q.TransactionalIDs = []string{id}
	return x.send(q, 0).(*kmsg.DescribeTransactionsResponse).TransactionStates[0]
}

// TestATransactionOfANewClient goes through two transactions of a client that leaves partitions to the broker, and whose epoch is bumped.
func TestATransactionOfANewClient(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		wantTxnCode(t, "first batch", x.write("id", p, 0, 12), wire.None)
		if state := x.describe("id"); state.State != "Ongoing" || len(state.Topics) != 1 || state.Topics[0].Topic != "t" {
			t.Errorf("the broker has not added the partition: %+v", state)
		}
		ended := x.end("id", p, true, 5)
		wantTxnCode(t, "end", ended.ErrorCode, wire.None)
		if want := (txn.Producer{ID: p.ID, Epoch: p.Epoch + 1}); ended.ProducerID != want.ID || ended.ProducerEpoch != want.Epoch {
			t.Fatalf("the producer is told to be %d/%d, not %+v", ended.ProducerID, ended.ProducerEpoch, want)
		}
		synctest.Wait()
		wantTxnCode(t, "a late batch of the transaction that has ended", x.write("id", p, 1, 12), wire.InvalidProducerEpoch)
		p.Epoch++
		wantTxnCode(t, "the next transaction", x.write("id", p, 0, 12), wire.None)
		wantTxnCode(t, "its abort", x.end("id", p, false, 5).ErrorCode, wire.None)
		synctest.Wait()
		if part := x.set.Get("t", 0); part.LastStable() != part.LogEnd() || part.LogEnd() != 4 {
			t.Errorf("the last stable offset is %d of %d", part.LastStable(), part.LogEnd())
		}
	})
}

func TestABatchWhosePartitionWasNotAddedIsRefused(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		wantTxnCode(t, "version 10", x.write("id", p, 0, 10), wire.InvalidTxnState)
		wantTxnCode(t, "version 11", x.write("id", p, 0, 11), wire.TransactionAbortable)
		wantTxnCode(t, "add another", x.add("id", p, "t", 1, 3), wire.None)
		wantTxnCode(t, "version 11 with another partition", x.write("id", p, 0, 11), wire.TransactionAbortable)
		other := txn.Producer{ID: p.ID + 50, Epoch: p.Epoch}
		wantTxnCode(t, "a producer without the id", x.write("id", other, 0, 11), wire.InvalidProducerIDMapping)
		wantTxnCode(t, "a fenced producer", x.write("id", txn.Producer{ID: p.ID, Epoch: p.Epoch + 1}, 0, 11), wire.InvalidProducerEpoch)
		if end := x.set.Get("t", 0).LogEnd(); end != 0 {
			t.Errorf("%d offsets were written", end)
		}
	})
}

func TestWithoutVerificationOldClientsAreTrusted(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		x.unverified = true
		x.set.Reconfigure(x.log.Image())
		p := x.begin("id")
		wantTxnCode(t, "old client", x.write("id", p, 0, 11), wire.None)
		wantTxnCode(t, "new client", x.write("new", x.begin("new"), 0, 12), wire.None)
		if state := x.describe("new"); state.State != "Ongoing" {
			t.Errorf("the partition of a new client is not added: %+v", state)
		}
	})
}

func TestTransactionalBatchesNeedOneProducerAndItsID(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p, id := x.begin("id"), "id"
		q := produceRequest("t", 1, 0, txnBatch(p, 0))
		wantTxnCode(t, "no transactional id", x.produce(q, 11).ErrorCode, wire.TransactionalIDAuthorizationFailed)
		q = produceRequest("t", 1, 0, txnBatch(p, 0))
		second := kmsg.NewProduceRequestTopicPartition()
		second.Partition, second.Records = 1, txnBatch(txn.Producer{ID: p.ID + 1}, 0)
		q.Topics[0].Partitions = append(q.Topics[0].Partitions, second)
		q.TransactionID = &id
		wantTxnCode(t, "two producers", x.produce(q, 11).ErrorCode, wire.InvalidProducerIDMapping)
		q = produceRequest("t", 1, 0, recordsBatch(1))
		q.TransactionID = &id
		wantTxnCode(t, "a batch outside of transactions", x.produce(q, 11).ErrorCode, wire.None)
	})
}

// TestWhileMarkersAreMissingTheNextTransactionWaits holds the markers back: clients are to come again, in the terms of their version.
func TestWhileMarkersAreMissingTheNextTransactionWaits(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.endedWithoutMarker()
		wantTxnCode(t, "next batch, new client", x.write("id", p, 0, 12), wire.ConcurrentTransactions)
		wantTxnCode(t, "next batch, old client", x.write("id", p, 0, 11), wire.NotEnoughReplicas)
		wantTxnCode(t, "add", x.add("id", p, "t", 0, 3), wire.ConcurrentTransactions)
		wantTxnCode(t, "init", x.init("id", 5).ErrorCode, wire.ConcurrentTransactions)
		close(x.held)
		synctest.Wait()
		wantTxnCode(t, "next batch once the marker is there", x.write("id", p, 0, 12), wire.None)
	})
}

// TestABatchWaitsForTheMarkerOfTheTransactionBefore has the marker come while the broker itself tries again to add the partition.
func TestABatchWaitsForTheMarkerOfTheTransactionBefore(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.endedWithoutMarker()
		go func() {
			pause(t.Context(), 3*x.area.Verification.Pause)
			close(x.held)
		}()
		wantTxnCode(t, "next batch", x.write("id", p, 0, 12), wire.None)
	})
}

// TestAMarkerThatComesSoonCostsNoWholePause, by the bubble's clock.
func TestAMarkerThatComesSoonCostsNoWholePause(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.endedWithoutMarker()
		whole := x.area.Verification.Pause
		go func() {
			pause(t.Context(), whole/10)
			close(x.held)
		}()
		begun := time.Now()
		wantTxnCode(t, "next batch", x.write("id", p, 0, 12), wire.None)
		if waited := time.Since(begun); waited < whole/10 || waited > whole/2 {
			t.Fatalf("waited %s, where a pause is %s at the most", waited, whole)
		}
	})
}

// TestANewProducerFencesTheOldOne has a second process begin with the same transactional id in the middle of a transaction.
func TestANewProducerFencesTheOldOne(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		old := x.begin("id")
		wantTxnCode(t, "add", x.add("id", old, "t", 0, 3), wire.None)
		wantTxnCode(t, "batch", x.write("id", old, 0, 11), wire.None)
		wantTxnCode(t, "init of the second", x.init("id", 5).ErrorCode, wire.ConcurrentTransactions)
		synctest.Wait()
		fresh := x.begin("id")
		if fresh.ID != old.ID || fresh.Epoch != old.Epoch+2 {
			t.Errorf("after %+v comes %+v", old, fresh)
		}
		wantTxnCode(t, "batch of the first", x.write("id", old, 1, 11), wire.InvalidProducerEpoch)
		wantTxnCode(t, "end of the first", x.end("id", old, true, 2).ErrorCode, wire.ProducerFenced)
		wantTxnCode(t, "end of the first, old client", x.end("id", old, true, 1).ErrorCode, wire.InvalidProducerEpoch)
		wantTxnCode(t, "add of the first", x.add("id", old, "t", 0, 2), wire.ProducerFenced)
		wantTxnCode(t, "add of the first, old client", x.add("id", old, "t", 0, 1), wire.InvalidProducerEpoch)
		if part := x.set.Get("t", 0); part.LastStable() != part.LogEnd() {
			t.Errorf("the transaction of the first is still open: %d of %d", part.LastStable(), part.LogEnd())
		}
	})
}

func TestInitProducerIDOfTransactionalIDs(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		for version := int16(0); version <= 5; version++ {
			r := x.init("id", version)
			wantTxnCode(t, "init", r.ErrorCode, wire.None)
			if r.ProducerEpoch != version {
				t.Errorf("version %d: epoch %d", version, r.ProducerEpoch)
			}
		}
		wantTxnCode(t, "an empty id", x.init("", 5).ErrorCode, wire.InvalidRequest)
		id := "id"
		q := kmsg.NewPtrInitProducerIDRequest()
		q.TransactionalID, q.TransactionTimeoutMillis = &id, 900_001
		r := x.send(q, 5).(*kmsg.InitProducerIDResponse)
		if r.ErrorCode != wire.InvalidTransactionTimeout || r.ProducerID != -1 || r.ProducerEpoch != -1 {
			t.Errorf("too long a time-out: %+v", r)
		}
		q.TransactionTimeoutMillis, q.ProducerID, q.ProducerEpoch = 1000, x.nextID.Load(), 0
		wantTxnCode(t, "fenced", x.send(q, 5).(*kmsg.InitProducerIDResponse).ErrorCode, wire.ProducerFenced)
		wantTxnCode(t, "fenced, old client", x.send(q, 3).(*kmsg.InitProducerIDResponse).ErrorCode, wire.InvalidProducerEpoch)
	})
}

func TestAddPartitionsIsAllOrNothing(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("id")
		q := kmsg.NewPtrAddPartitionsToTxnRequest()
		q.TransactionalID, q.ProducerID, q.ProducerEpoch = "id", p.ID, p.Epoch
		q.Topics = []kmsg.AddPartitionsToTxnRequestTopic{
			{Topic: "t", Partitions: []int32{0, 7}},
			{Topic: "absent", Partitions: []int32{0}},
			{Topic: "__own", Partitions: []int32{0}},
			{Topic: group.Topic, Partitions: []int32{0}},
		}
		x.rules = groupGrants{"WRITE:TRANSACTIONAL_ID:id", "WRITE:TOPIC:t", "WRITE:TOPIC:absent", "WRITE:TOPIC:__own", "WRITE:TOPIC:" + group.Topic}
		want := []int16{
			wire.OperationNotAttempted, wire.UnknownTopicOrPartition, wire.UnknownTopicOrPartition, wire.TopicAuthorizationFailed,
			wire.TopicAuthorizationFailed,
		}
		var got []int16
		for _, topic := range x.send(q, 3).(*kmsg.AddPartitionsToTxnResponse).Topics {
			for _, part := range topic.Partitions {
				got = append(got, part.ErrorCode)
			}
		}
		wantCodes(t, got, want)
		x.rules = groupGrants{"*"}
		if state := x.describe("id"); state.State != "Empty" {
			t.Errorf("the transaction is %s", state.State)
		}
	})
}

func wantCodes(t *testing.T, got, want []int16) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d codes, not %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("code %d is %s, not %s", i, wire.CodeName(got[i]), wire.CodeName(want[i]))
		}
	}
}

// TestBrokersAddAndVerify has what brokers send each other: several transactions in one request.
func TestBrokersAddAndVerify(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		one, two := x.begin("one"), x.begin("two")
		transaction := func(id string, p txn.Producer, verify bool, topic string) kmsg.AddPartitionsToTxnRequestTransaction {
			return kmsg.AddPartitionsToTxnRequestTransaction{
				TransactionalID: id, ProducerID: p.ID, ProducerEpoch: p.Epoch, VerifyOnly: verify,
				Topics: []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: topic, Partitions: []int32{0}}},
			}
		}
		send := func(version int16, transactions ...kmsg.AddPartitionsToTxnRequestTransaction) []int16 {
			q := kmsg.NewPtrAddPartitionsToTxnRequest()
			q.Transactions = transactions
			resp := x.send(q, version).(*kmsg.AddPartitionsToTxnResponse)
			wantTxnCode(t, "whole request", resp.ErrorCode, wire.None)
			var codes []int16
			for _, r := range resp.Transactions {
				codes = append(codes, r.Topics[0].Partitions[0].ErrorCode)
			}
			return codes
		}
		for version := int16(4); version <= 5; version++ {
			wantCodes(t, send(version, transaction("one", one, true, "u"), transaction("two", two, false, "t")), []int16{wire.TransactionAbortable, wire.None})
		}
		wantCodes(t, send(5,
			transaction("two", two, true, "t"), transaction("one", one, false, group.Topic), transaction("one", one, false, "__own"),
			transaction("one", one, false, "absent"), transaction("one", two, true, "t"), transaction("three", two, true, "t"),
		), []int16{
			wire.None, wire.None, wire.TopicAuthorizationFailed, wire.UnknownTopicOrPartition, wire.InvalidProducerIDMapping,
			wire.InvalidProducerIDMapping,
		})
	})
}

func TestDescribeAndListShowWhatMayBeSeen(t *testing.T) {
	withTransactions(t, func(t *testing.T, x *txnBroker) {
		p := x.begin("mine")
		x.begin("theirs")
		wantTxnCode(t, "add", x.add("mine", p, "t", 0, 3), wire.None)
		wantTxnCode(t, "add", x.add("mine", p, "u", 0, 3), wire.None)
		x.rules = groupGrants{"DESCRIBE:TRANSACTIONAL_ID:mine", "DESCRIBE:TOPIC:u"}
		state := x.describe("mine")
		if state.ErrorCode != wire.None || state.State != "Ongoing" || len(state.Topics) != 1 || state.Topics[0].Topic != "u" || state.ProducerID != p.ID {
			t.Errorf("mine: %+v", state)
		}
		if state := x.describe("theirs"); state.ErrorCode != wire.TransactionalIDAuthorizationFailed || state.State != "" || state.ProducerID != 0 {
			t.Errorf("theirs: %+v", state)
		}
		list := x.list(&kmsg.ListTransactionsRequest{StateFilters: []string{"Ongoing", "Empty", "Nonsense"}, DurationFilterMillis: -1}, 2)
		if len(list.TransactionStates) != 1 || list.TransactionStates[0].TransactionalID != "mine" || len(list.UnknownStateFilters) != 1 {
			t.Errorf("list: %+v", list)
		}
		x.rules = groupGrants{"*"}
		wantTxnCode(t, "an id that nobody has", x.describe("nobody").ErrorCode, wire.TransactionalIDNotFound)
		pattern, bad := "th.*", "("
		list = x.list(&kmsg.ListTransactionsRequest{DurationFilterMillis: -1, TransactionalIDPattern: &pattern}, 2)
		if len(list.TransactionStates) != 1 || list.TransactionStates[0].TransactionalID != "theirs" {
			t.Errorf("list by pattern: %+v", list)
		}
		list = x.list(&kmsg.ListTransactionsRequest{DurationFilterMillis: -1, TransactionalIDPattern: &bad}, 2)
		wantTxnCode(t, "a bad pattern", list.ErrorCode, wire.InvalidRegularExpression)
		list = x.list(&kmsg.ListTransactionsRequest{ProducerIDFilters: []int64{p.ID}}, 0)
		if len(list.TransactionStates) != 1 || list.TransactionStates[0].ProducerID != p.ID {
			t.Errorf("list by producer: %+v", list)
		}
	})
}

func (x *txnBroker) list(q *kmsg.ListTransactionsRequest, version int16) *kmsg.ListTransactionsResponse {
	x.t.Helper()
	return x.send(q, version).(*kmsg.ListTransactionsResponse)
}
