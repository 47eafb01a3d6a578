package txn

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestATransactionThatRunsForTooLongIsAborted(t *testing.T) {
	for level := range int16(3) {
		h := newHarness(t, level)
		p := h.producer()
		h.add(p, level, wire.None, a0)
		h.pass(60 * time.Second)
		h.expect(Ongoing, p)
		h.pass(10 * time.Second)
		h.expect(CompleteAbort, Producer{p.ID, 1})
		h.add(p, level, wire.ProducerFenced, a0)
		if level < bumpLevel {
			h.end(p, true, 0, wire.ProducerFenced)
			h.end(p, false, 0, wire.ProducerFenced)
		} else {
			h.end(p, true, 2, wire.InvalidTxnState)
		}
		if next := h.producer(); next != (Producer{p.ID, 2}) {
			t.Fatalf("next = %+v", next)
		}
	}
}

func TestATimeOutIsOfTheTransactionNotOfItsLastStep(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0)
	h.pass(55 * time.Second)
	h.add(p, 2, wire.None, a1)
	h.reload()
	h.pass(16 * time.Second)
	h.expect(CompleteAbort, Producer{p.ID, 1})
}

func TestWhoDecidesElsewhereHasNoTimeOut(t *testing.T) {
	h := preset(t, 2, func(one *transaction) {
		one.state, one.partitions, one.startMillis, one.timeoutMillis = Ongoing, withPartitions(a0), 5, math.MaxInt32
	})
	h.pass(time.Hour)
	h.expect(Ongoing, Producer{5, 3})
}

func TestATimeOutInTheLastEpoch(t *testing.T) {
	h := preset(t, 2, func(one *transaction) {
		one.state, one.producer, one.partitions, one.startMillis = Ongoing, Producer{5, lastEpoch}, withPartitions(a0), 5
	})
	h.stuck = true
	h.pass(10 * time.Second)
	h.giveBack(0, ProducerID{Code: wire.CoordinatorLoadInProgress})
	h.expect(Ongoing, Producer{5, lastEpoch})
	h.pass(10 * time.Second)
	h.pass(10 * time.Second)
	h.carryOut(0)
	if got := h.markers(); got.Epoch != math.MaxInt16 {
		t.Fatalf("markers = %+v", got)
	}
	h.carryOut(0)
	h.expect(CompleteAbort, Producer{ID: 1001})
}

func TestAClockThatGoesBackStarvesNobody(t *testing.T) {
	h := newHarness(t, 2)
	h.now = h.now.Add(-48 * time.Hour)
	p := h.producer()
	h.add(p, 2, wire.None, a0)
	for range 8 {
		h.now = h.now.Add(10 * time.Second)
		h.step(Woken{})
		if h.wake.After(h.now.Add(10 * time.Second)) {
			t.Fatalf("to be woken after %s", h.wake.Sub(h.now))
		}
	}
	h.expect(CompleteAbort, Producer{p.ID, 1})
}

// TestATransactionOfTheFutureHasItsTimeOut where the clock has gone back, before the coordinator was loaded or afterwards.
func TestATransactionOfTheFutureHasItsTimeOut(t *testing.T) {
	for _, reload := range []bool{true, false} {
		h := newHarness(t, 2)
		p := h.producer()
		h.add(p, 2, wire.None, a0)
		h.now = h.now.Add(-48 * time.Hour)
		if reload {
			h.reload()
		}
		h.wake = h.now
		h.pass(60 * time.Second)
		h.expect(Ongoing, p)
		h.pass(11 * time.Second)
		h.expect(CompleteAbort, Producer{p.ID, 1})
	}
}

func TestIDsThatNobodyUsesExpire(t *testing.T) {
	old := 7*24*time.Hour + 2*time.Hour
	for state, expires := range map[State]bool{
		Empty: true, CompleteCommit: true, CompleteAbort: true, Ongoing: false, PrepareCommit: false, PrepareAbort: false,
	} {
		h := newHarness(t, 2)
		one := newTransaction("t")
		one.state, one.producer, one.timeoutMillis = state, Producer{5, 3}, math.MaxInt32
		one.updatedMillis, one.startMillis = h.now.Add(-old).UnixMilli(), h.now.UnixMilli()
		if state == Ongoing || state.decided() {
			one.partitions = withPartitions(a0)
		}
		h.log, h.stuck = []Record{one.record(2)}, true
		h.reload()
		h.pass(time.Hour)
		if gone := h.described().ErrorCode == wire.TransactionalIDNotFound; gone != expires {
			t.Errorf("%s: gone is %t", state, gone)
		}
		h.calls = nil
		h.reload()
		if _, found := h.m.transactions["t"]; found == expires {
			t.Errorf("%s: after a reload, found is %t", state, found)
		}
	}
}

func TestAnIDThatIsUsedDoesNotExpire(t *testing.T) {
	h := newHarness(t, 2)
	h.producer()
	h.pass(7*24*time.Hour - time.Hour)
	p := h.producer()
	h.pass(7*24*time.Hour - time.Hour)
	h.expect(Empty, p)
	h.pass(time.Hour)
	h.code("add", h.reply(h.ask(Add{TransactionalID: "t", Producer: p})).Code, wire.InvalidProducerIDMapping)
}

func TestManyThatExpireGoIntoSeveralBatches(t *testing.T) {
	h := newHarness(t, 2)
	for i := range 500 {
		h.ask(Init{TransactionalID: fmt.Sprint("t", i), TimeoutMillis: 1, Expected: nobody})
	}
	before := h.seq
	h.pass(8 * 24 * time.Hour)
	if h.seq-before < 5 || len(h.m.transactions) != 0 {
		t.Fatalf("%d appends, %d ids left", h.seq-before, len(h.m.transactions))
	}
}
