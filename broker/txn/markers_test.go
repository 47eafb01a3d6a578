package txn

import (
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

// decided brings a transaction of three partitions to the point where its markers are to be written.
func decided(t *testing.T) (*harness, Producer) {
	t.Helper()
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0, a1, b0)
	h.stuck = true
	return h, h.end(p, true, 2, wire.None)
}

func TestOnlyMissingMarkersAreSentAgain(t *testing.T) {
	h, p := decided(t)
	h.giveBack(0, Marked{{TopicPartition: a0}, {TopicPartition: b0, Code: wire.NotLeaderForPartition}})
	h.expect(PrepareCommit, p)
	if d := h.described(); len(d.Topics) != 2 || len(d.Topics[0].Partitions) != 1 || d.Topics[0].Partitions[0] != 1 {
		t.Fatalf("topics = %+v", d.Topics)
	}
	if h.wake != h.now.Add(100*time.Millisecond) {
		t.Fatalf("to be woken after %s", h.wake.Sub(h.now))
	}
	h.pass(100 * time.Millisecond)
	if got := h.markers(); len(got.Partitions) != 2 || got.Partitions[0] != a1 || got.Partitions[1] != b0 || got.Epoch != p.Epoch {
		t.Fatalf("markers = %+v", got)
	}
	h.giveBack(0, Marked{{TopicPartition: a1, Code: wire.UnknownTopicOrPartition, Gone: true}, {TopicPartition: b0}})
	h.expect(CompleteCommit, p)
}

func TestWhatCountsAsWritten(t *testing.T) {
	for code, written := range map[int16]bool{
		wire.None: true, wire.UnsupportedForMessageFormat: true, wire.UnsupportedVersion: true,
		wire.UnknownTopicOrPartition: false, wire.NotLeaderForPartition: false, wire.NotEnoughReplicas: false,
		wire.NotEnoughReplicasAfterAppend: false, wire.RequestTimedOut: false, wire.KafkaStorageError: false,
		wire.InvalidProducerEpoch: false, wire.TransactionCoordinatorFenced: false, wire.UnknownServerError: false,
		wire.ClusterAuthorizationFailed: false, wire.CorruptMessage: false,
	} {
		h, p := decided(t)
		h.giveBack(0, allMarked(h.markers(), code))
		if written {
			h.expect(CompleteCommit, p)
		} else {
			h.expect(PrepareCommit, p)
		}
		h.giveBackAll(wire.None)
		h.expect(CompleteCommit, p)
	}
}

// giveBackAll waits for the markers to be sent again, if they are to be, and answers with a code.
func (h *harness) giveBackAll(code int16) {
	h.t.Helper()
	h.pass(testConfig().MarkerRetryMax)
	for len(h.calls) > 0 {
		h.giveBack(0, allMarked(h.markers(), code))
	}
}

func TestMarkersAreTriedForAsLongAsItTakes(t *testing.T) {
	h, p := decided(t)
	pause := testConfig().MarkerRetryMin
	for range 50 {
		h.giveBack(0, allMarked(h.markers(), wire.NotEnoughReplicas))
		if next := h.m.schedule.retries[0].at.Sub(h.now); next != pause {
			t.Fatalf("sent again after %s, not %s", next, pause)
		}
		h.pass(pause)
		pause = min(2*pause, testConfig().MarkerRetryMax)
	}
	for range 3 {
		h.giveBack(0, nil)
		h.pass(testConfig().MarkerRetryMax)
	}
	h.carryOut(0)
	h.expect(CompleteCommit, p)
}

func TestAPartitionThatKnowsALaterEpochIsTriedSlowly(t *testing.T) {
	for _, code := range []int16{wire.InvalidProducerEpoch, wire.TransactionCoordinatorFenced} {
		h, _ := decided(t)
		h.giveBack(0, allMarked(h.markers(), code))
		if next := h.m.schedule.retries[0].at.Sub(h.now); next != testConfig().MarkerRetryMax {
			t.Fatalf("sent again after %s", next)
		}
	}
}

func TestMarkersWaitForTheDecisionToBeConfirmed(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0)
	h.manual, h.stuck = true, true
	end := h.ask(End{TransactionalID: "t", Producer: p, Commit: true, Level: 2})
	h.ask(Init{TransactionalID: "u", TimeoutMillis: 1, Expected: nobody})
	h.carryOut(0)
	if len(h.calls) != 0 || !h.parked(end) {
		t.Fatalf("calls = %+v", h.calls)
	}
	h.step(Appended{Seq: h.seq - 1})
	h.markers()
	h.code("end", h.reply(end).Code, wire.None)
}

func TestTheNextCoordinatorSendsTheMarkers(t *testing.T) {
	h, p := decided(t)
	h.giveBack(0, Marked{{TopicPartition: a0}})
	h.reload()
	if got := h.markers(); len(got.Partitions) != 3 || !got.Commit || got.Epoch != p.Epoch || got.Level != 2 {
		t.Fatalf("markers = %+v", got)
	}
	h.carryOut(0)
	h.expect(CompleteCommit, p)
	h.reload()
	if len(h.calls) != 0 {
		t.Fatalf("calls = %+v", h.calls)
	}
}

func TestFailureAnswersThoseWhoWait(t *testing.T) {
	h, p := decided(t)
	h.manual = true
	held := h.ask(Init{TransactionalID: "u", TimeoutMillis: 1, Expected: nobody})
	h.carryOut(1)
	waits := h.ask(Init{TransactionalID: "v", TimeoutMillis: 1, Expected: nobody})
	calls := h.calls
	h.step(Failed{Code: wire.CoordinatorNotAvailable})
	h.code("append", h.reply(held).Code, wire.CoordinatorNotAvailable)
	h.code("producer id", h.reply(waits).Code, wire.NotCoordinator)
	if !h.wake.IsZero() {
		t.Fatal("a machine that has ended wants to be woken")
	}
	before := h.seq
	for range calls {
		h.carryOut(0)
	}
	h.step(Woken{})
	h.code("later", h.reply(h.ask(Verify{TransactionalID: "t", Producer: p})).Code, wire.NotCoordinator)
	if h.seq != before {
		t.Fatal("a machine that has ended writes")
	}
}
