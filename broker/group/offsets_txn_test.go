package group

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// txnRequest commits an offset of partition 0 in a transaction of a producer.
func txnRequest(c *client, producerID int64, topic string, offset int64) CommitTxn {
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.Version, q.Group, q.Generation = 5, "g", -1
	q.TransactionalID, q.ProducerID, q.ProducerEpoch = "t", producerID, 3
	if c != nil {
		q.Generation, q.MemberID, q.InstanceID = c.generation, c.id, c.instance
	}
	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Offset, p.LeaderEpoch = offset, 7
	q.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{p}}}
	return CommitTxn{TxnOffsetCommitRequest: q, Guard: 11}
}

// commitTxn returns the code of the request or of the partition.
func (h *harness) commitTxn(producerID int64, topic string, offset int64) int16 {
	h.t.Helper()
	return h.askTxn(txnRequest(nil, producerID, topic, offset))
}

func (h *harness) askTxn(q CommitTxn) int16 {
	h.t.Helper()
	r := h.reply(h.ask(q))
	if r.Code != wire.None {
		return r.Code
	}
	return r.Answer.(*kmsg.TxnOffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

func markerOf(producerID int64, commit bool) EndTxn {
	return EndTxn{coordinator.Marker{ProducerID: producerID, Epoch: 3, Commit: commit, CoordinatorEpoch: 1}}
}

func (h *harness) endTxn(producerID int64, commit bool) int16 {
	h.t.Helper()
	return h.reply(h.ask(markerOf(producerID, commit))).Code
}

// stable fetches partition 0 of a topic as consumers of committed data do.
func (h *harness) stable(topic string) kmsg.OffsetFetchResponseGroupTopicPartition {
	h.t.Helper()
	q := Fetch{Group: "g", RequireStable: true, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: []int32{0}}}}
	return answerOf[*kmsg.OffsetFetchResponseGroup](h, h.ask(q)).Topics[0].Partitions[0]
}

func (h *harness) expectOffset(topic string, want int64) {
	h.t.Helper()
	if got := h.committed(topic); got != want {
		h.t.Fatalf("offset of %s = %d, want %d", topic, got, want)
	}
}

func (h *harness) expectUnstable(topic string, want bool) {
	h.t.Helper()
	got := h.stable(topic)
	if !want {
		if got.ErrorCode != wire.None {
			h.t.Fatalf("%s is unstable: %+v", topic, got)
		}
		return
	}
	if got.ErrorCode != wire.UnstableOffsetCommit || got.Offset != -1 || got.LeaderEpoch != -1 || got.Metadata == nil || *got.Metadata != "" {
		h.t.Fatalf("%s is stable: %+v", topic, got)
	}
}

// everyRestart runs a check on the machine as it is, and on one that has replayed the log.
func (h *harness) everyRestart(check func()) {
	h.t.Helper()
	check()
	h.reload(testConfig())
	check()
}

func TestTransactionalOffsetsCountWhenTheirTransactionCommits(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commit(nil, "t1", 5)
	expectCode(t, "in a transaction", h.commitTxn(1, "t1", 9), wire.None)
	h.everyRestart(func() {
		h.expectOffset("t1", 5)
		h.expectUnstable("t1", true)
		h.expectUnstable("t2", false)
	})
	expectCode(t, "marker", h.endTxn(1, true), wire.None)
	h.everyRestart(func() {
		h.expectOffset("t1", 9)
		h.expectUnstable("t1", false)
	})
}

func TestTransactionalOffsetsGoWhenTheirTransactionAborts(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commit(nil, "t1", 5)
	h.commitTxn(1, "t1", 9)
	h.commitTxn(1, "t2", 1)
	h.endTxn(1, false)
	h.everyRestart(func() {
		h.expectOffset("t1", 5)
		h.expectOffset("t2", -1)
		h.expectUnstable("t1", false)
	})
	expectCode(t, "marker of nobody", h.endTxn(77, true), wire.None)
	h.expectOffset("t1", 5)
}

func TestAGroupOfAbortedOffsetsAloneIsGone(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commitTxn(1, "t1", 9)
	h.everyRestart(func() {
		if got := h.state(); got != "Empty" {
			t.Fatalf("state = %s while the transaction is open", got)
		}
	})
	h.endTxn(1, false)
	h.everyRestart(func() {
		if got := h.state(); got != "Dead" {
			t.Fatalf("state = %s", got)
		}
	})
}

// The place in the log decides, whichever transaction ends first: as for who compacts the log.
func TestTheLaterOffsetCounts(t *testing.T) {
	for name, run := range map[string]func(h *harness){
		"a commit after it": func(h *harness) { h.commitTxn(1, "t1", 9); h.commit(nil, "t1", 4); h.endTxn(1, true) },
		"another transaction": func(h *harness) {
			h.commitTxn(1, "t1", 9)
			h.commitTxn(2, "t1", 4)
			h.endTxn(2, true)
			h.endTxn(1, true)
		},
		"the same transaction": func(h *harness) { h.commitTxn(1, "t1", 9); h.commitTxn(1, "t1", 4); h.endTxn(1, true) },
		"after a commit":       func(h *harness) { h.commit(nil, "t1", 9); h.commitTxn(1, "t1", 4); h.endTxn(1, true) },
		"after the other ended": func(h *harness) {
			h.commitTxn(1, "t1", 9)
			h.endTxn(1, true)
			h.commitTxn(1, "t1", 4)
			h.endTxn(1, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, testConfig())
			run(h)
			h.everyRestart(func() { h.expectOffset("t1", 4) })
		})
	}
}

func TestAPartitionIsUnstableUntilNoTransactionIsOpen(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commit(nil, "t1", 5)
	h.commit(nil, "t2", 6)
	h.commitTxn(1, "t1", 7)
	h.commitTxn(2, "t1", 8)
	h.endTxn(2, true)
	h.everyRestart(func() {
		h.expectUnstable("t1", true)
		all := answerOf[*kmsg.OffsetFetchResponseGroup](h, h.ask(Fetch{Group: "g", RequireStable: true})).Topics
		if len(all) != 2 || all[0].Partitions[0].ErrorCode != wire.UnstableOffsetCommit || all[1].Partitions[0].Offset != 6 {
			t.Fatalf("all = %+v", all)
		}
		h.expectOffset("t1", 8)
	})
	h.endTxn(1, false)
	h.expectUnstable("t1", false)
}

func TestFetchAllLeavesOutWhatIsOnlyPending(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commitTxn(1, "t1", 7)
	if all := answerOf[*kmsg.OffsetFetchResponseGroup](h, h.ask(Fetch{Group: "g", RequireStable: true})).Topics; len(all) != 0 {
		t.Fatalf("all = %+v", all)
	}
	h.expectUnstable("t1", true)
}

func TestDeletedOffsetsAreNotCommitted(t *testing.T) {
	for name, remove := range map[string]func(h *harness){
		"DeleteOffsets": func(h *harness) { h.deleteOffset("t1") },
		"Delete":        func(h *harness) { h.ask(Delete{Group: "g"}) },
		"TopicsDeleted": func(h *harness) { h.ask(TopicsDeleted{Topics: []TopicRef{{Name: "t1", ID: [16]byte{4}}}}) },
	} {
		for _, before := range []bool{true, false} {
			h := newHarness(t, testConfig())
			if before {
				h.commit(nil, "t1", 5)
			}
			h.commitTxn(1, "t1", 9)
			h.commitTxn(2, "t1", 10)
			written := len(h.log)
			remove(h)
			if len(h.log) != written+1 || h.log[written].Value != nil {
				t.Fatalf("%s, committed before %t: %d records", name, before, len(h.log)-written)
			}
			h.endTxn(1, true)
			h.endTxn(2, true)
			h.everyRestart(func() { h.expectOffset("t1", -1) })
		}
	}
}

func TestTopicsOfPendingOffsetsAreKnown(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commitTxn(1, "t1", 9)
	if got := answerOf[[]TopicRef](h, h.ask(ListTopics{})); !slices.Equal(got, []TopicRef{{Name: "t1"}}) {
		t.Fatalf("topics = %+v", got)
	}
}

func TestPendingOffsetsKeepTheGroupFromExpiring(t *testing.T) {
	h := newHarness(t, testConfig())
	h.commit(nil, "t1", 5)
	h.commit(nil, "t2", 6)
	h.commitTxn(1, "t1", 9)
	h.pass(3 * time.Hour)
	h.expectOffset("t1", 5)
	h.expectOffset("t2", -1)
	h.endTxn(1, false)
	h.pass(20 * time.Minute)
	h.expectOffset("t1", -1)

	h.commitTxn(1, "t1", 9)
	h.pass(3 * time.Hour)
	if got := h.state(); got != "Empty" {
		t.Fatalf("state = %s while a transaction is open", got)
	}
}

func TestAnEmptyGroupWithPendingOffsetsIsKept(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	h.stableGroup(a)
	h.askTxn(txnRequest(a, 1, "t1", 9))
	h.leave(leaving(a))
	h.pass(3 * time.Hour)
	if got := h.state(); got != "Empty" {
		t.Fatalf("state = %s", got)
	}
	h.endTxn(1, false)
	h.pass(20 * time.Minute)
	if got := h.state(); got != "Dead" {
		t.Fatalf("state = %s after the transaction", got)
	}
}

func TestWhoMayCommitInATransaction(t *testing.T) {
	h := newHarness(t, testConfig())
	ghost := &client{generation: 1, id: "x"}
	expectCode(t, "a generation of no group", h.askTxn(txnRequest(ghost, 1, "t1", 1)), wire.IllegalGeneration)
	a, s := h.client("a"), h.staticClient("s", "i1")
	h.stableGroup(a, s)
	late, stranger, impostor := *a, *a, *s
	late.generation--
	stranger.id = "x"
	impostor.id = a.id
	nobody := *a
	nobody.id, nobody.generation = "", -1
	anonymous := *a
	anonymous.generation = -1
	for _, test := range []struct {
		who  string
		c    *client
		want int16
	}{
		{"a member", a, wire.None},
		{"a static member", s, wire.None},
		{"a producer that does not say who it is", &nobody, wire.None},
		{"a member of an old generation", &late, wire.IllegalGeneration},
		{"a stranger", &stranger, wire.UnknownMemberID},
		{"another member's instance", &impostor, wire.FencedInstanceID},
		{"a member without generation", &anonymous, wire.IllegalGeneration},
	} {
		expectCode(t, test.who, h.askTxn(txnRequest(test.c, 1, "t1", 1)), test.want)
	}
}

// Plain commits are refused while members ask for their assignment; a producer can not repeat what its transaction has begun with.
func TestTransactionsCommitDuringARebalance(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	ticket := a.join()
	h.pass(3 * time.Second)
	a.joined(ticket)
	if got := h.state(); got != "CompletingRebalance" {
		t.Fatalf("state = %s", got)
	}
	expectCode(t, "plain", h.commit(a, "t1", 1), wire.RebalanceInProgress)
	expectCode(t, "in a transaction", h.askTxn(txnRequest(a, 1, "t1", 1)), wire.None)
}

func TestWhatTheLogRefusesDoesNotCount(t *testing.T) {
	h := newHarness(t, testConfig())
	h.refusal = wire.InvalidProducerEpoch
	expectCode(t, "commit", h.commitTxn(1, "t1", 9), wire.InvalidProducerEpoch)
	if len(h.m.groups) != 0 || h.m.offsets.has("g") {
		t.Fatal("the refused commit made a group")
	}
	h.refusal = wire.None
	h.commit(nil, "t1", 5)
	h.commitTxn(1, "t1", 9)
	h.refusal = wire.TransactionCoordinatorFenced
	expectCode(t, "marker", h.endTxn(1, false), wire.TransactionCoordinatorFenced)
	h.everyRestart(func() { h.expectUnstable("t1", true) })
	h.refusal = wire.None
	h.endTxn(1, true)
	h.everyRestart(func() { h.expectOffset("t1", 9) })
}

// A refusal must not let out answers that rest on appends before it.
func TestARefusalWaitsForWhatWasAskedBefore(t *testing.T) {
	h := newHarness(t, testConfig())
	h.manual = true
	first := h.ask(h.commitRequest(nil, "t1", 0, 5, ""))
	h.refusal = wire.InvalidTxnState
	second := h.ask(txnRequest(nil, 1, "t1", 9))
	if !h.parked(first) || !h.parked(second) {
		t.Fatal("answered before the first append is confirmed")
	}
	h.step(Appended{Seq: h.seq})
	expectCode(t, "first", h.reply(first).Code, wire.None)
	expectCode(t, "second", h.reply(second).Code, wire.InvalidTxnState)
}

func TestTransactionalCommitThatDoesNotFit(t *testing.T) {
	h := newHarness(t, testConfig())
	long := strings.Repeat("x", 17)
	q := txnRequest(nil, 1, "t1", 9)
	q.Topics[0].Partitions[0].Metadata = &long
	expectCode(t, "metadata", h.askTxn(q), wire.OffsetMetadataTooLarge)
	q = txnRequest(nil, 1, "t1", 9)
	for range 100 {
		q.Topics[0].Partitions = append(q.Topics[0].Partitions, q.Topics[0].Partitions[0])
	}
	expectCode(t, "size", h.askTxn(q), wire.InvalidCommitOffsetSize)
	if len(h.log) != 0 || len(h.m.groups) != 0 {
		t.Fatal("something of it was stored")
	}
}

func TestTransactionalRecordsAreApacheKafkas(t *testing.T) {
	h := newHarness(t, testConfig())
	h.manual = true
	h.ticket = 2
	effects := h.m.Step(Asked{Ticket: 1, Request: txnRequest(nil, 1, "t1", 9)}, h.now)
	effects = append(effects, h.m.Step(Asked{Ticket: 2, Request: markerOf(1, true)}, h.now)...)
	var appends []Append
	for _, e := range effects {
		if a, ok := e.(Append); ok {
			appends = append(appends, a)
		}
	}
	if len(appends) != 2 || *appends[0].Producer != (coordinator.Producer{ID: 1, Epoch: 3, Guard: 11}) ||
		*appends[1].Marker != markerOf(1, true).Marker || len(appends[1].Records) != 0 {
		t.Fatalf("appends = %+v", appends)
	}
	var value kmsg.OffsetCommitValue
	if err := value.ReadFrom(appends[0].Records[0].Value); err != nil {
		t.Fatal(err)
	}
	if value.Version != 4 || value.Offset != 9 || value.LeaderEpoch != 7 || value.TopicID != [16]byte{} || value.CommitTimestamp != h.now.UnixMilli() {
		t.Fatalf("value = %+v", value)
	}
}
