package txn

import (
	"fmt"
	"math"
	"testing"

	"github.com/chronik-stream/chronik/broker/wire"
)

// TestEndOfEveryState is the table of handleEndTransaction: each state, outcome and epoch under both kinds of clients.
func TestEndOfEveryState(t *testing.T) {
	const ok, fenced, invalid, again = wire.None, wire.ProducerFenced, wire.InvalidTxnState, wire.ConcurrentTransactions
	// by epoch named: that of the state, the one before, two before, the one after.
	table := []struct {
		state  State
		commit bool
		level  int16
		want   [4]int16
	}{
		{Empty, true, 0, [4]int16{invalid, fenced, fenced, fenced}},
		{Empty, false, 0, [4]int16{invalid, fenced, fenced, fenced}},
		{Ongoing, true, 0, [4]int16{ok, fenced, fenced, fenced}},
		{Ongoing, false, 0, [4]int16{ok, fenced, fenced, fenced}},
		{PrepareCommit, true, 0, [4]int16{again, fenced, fenced, fenced}},
		{PrepareCommit, false, 0, [4]int16{again, fenced, fenced, fenced}},
		{PrepareAbort, true, 0, [4]int16{again, fenced, fenced, fenced}},
		{PrepareAbort, false, 0, [4]int16{again, fenced, fenced, fenced}},
		{CompleteCommit, true, 0, [4]int16{ok, fenced, fenced, fenced}},
		{CompleteCommit, false, 0, [4]int16{invalid, fenced, fenced, fenced}},
		{CompleteAbort, true, 0, [4]int16{invalid, fenced, fenced, fenced}},
		{CompleteAbort, false, 0, [4]int16{ok, fenced, fenced, fenced}},

		{Empty, true, 2, [4]int16{invalid, fenced, fenced, fenced}},
		{Empty, false, 2, [4]int16{ok, fenced, fenced, fenced}},
		{Ongoing, true, 2, [4]int16{ok, fenced, fenced, fenced}},
		{Ongoing, false, 2, [4]int16{ok, fenced, fenced, fenced}},
		{PrepareCommit, true, 2, [4]int16{again, again, again, again}},
		{PrepareCommit, false, 2, [4]int16{again, again, again, again}},
		{PrepareAbort, true, 2, [4]int16{again, again, again, again}},
		{PrepareAbort, false, 2, [4]int16{again, again, again, again}},
		{CompleteCommit, true, 2, [4]int16{invalid, ok, fenced, fenced}},
		{CompleteCommit, false, 2, [4]int16{ok, invalid, fenced, fenced}},
		{CompleteAbort, true, 2, [4]int16{invalid, invalid, fenced, fenced}},
		{CompleteAbort, false, 2, [4]int16{ok, ok, fenced, fenced}},
	}
	for _, c := range table {
		for i, epoch := range []int16{3, 2, 1, 4} {
			t.Run(fmt.Sprintf("%s/commit=%t/level=%d/epoch=%d", c.state, c.commit, c.level, epoch), func(t *testing.T) {
				h := newHarness(t, 2)
				one := newTransaction("t")
				one.state, one.producer, one.timeoutMillis, one.level = c.state, Producer{5, 3}, 60_000, 2
				one.startMillis, one.updatedMillis = h.now.UnixMilli(), h.now.UnixMilli()
				if c.state == Ongoing || c.state.decided() {
					one.partitions = withPartitions(a0)
				}
				h.log, h.stuck = []Record{one.record(2)}, true
				h.reload()
				other := wire.InvalidProducerIDMapping
				if c.state.decided() && c.level == 2 {
					other = again
				}
				h.end(Producer{6, epoch}, c.commit, c.level, other)
				h.end(Producer{5, epoch}, c.commit, c.level, c.want[i])
			})
		}
	}
	h := newHarness(t, 2)
	h.end(Producer{5, 0}, true, 2, wire.InvalidProducerIDMapping)
	h.code("no id", h.reply(h.ask(End{Level: 2})).Code, wire.InvalidRequest)
}

func TestCommitOfAClientThatKeepsItsEpoch(t *testing.T) {
	h := newHarness(t, 1)
	p := h.producer()
	h.add(p, 0, wire.None, b0, a1, a0)
	h.stuck = true
	if after := h.end(p, true, 0, wire.None); after != p {
		t.Fatalf("after = %+v", after)
	}
	got := h.markers()
	if !got.Commit || got.ProducerID != p.ID || got.Epoch != p.Epoch || got.Level != 0 || got.TransactionalID != "t" ||
		fmt.Sprint(got.Partitions) != fmt.Sprint([]TopicPartition{a0, a1, b0}) {
		t.Fatalf("markers = %+v", got)
	}
	h.expect(PrepareCommit, p)
	h.add(p, 0, wire.ConcurrentTransactions, a0)
	h.stuck = false
	h.carryOut(0)
	h.expect(CompleteCommit, p)
	h.add(p, 0, wire.None, a0)
	h.end(p, false, 0, wire.None)
	h.expect(CompleteAbort, p)
}

func TestCommitOfAClientThatIsBumped(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0)
	h.stuck = true
	after := h.end(p, true, 2, wire.None)
	if after != (Producer{p.ID, 1}) {
		t.Fatalf("after = %+v", after)
	}
	if got := h.markers(); !got.Commit || got.Epoch != 1 || got.Level != 2 {
		t.Fatalf("markers = %+v", got)
	}
	h.add(after, 2, wire.ConcurrentTransactions, a0)
	h.add(p, 2, wire.ConcurrentTransactions, a0)
	h.end(p, true, 2, wire.ConcurrentTransactions)
	h.stuck = false
	h.carryOut(0)
	if again := h.end(p, true, 2, wire.None); again != after {
		t.Fatalf("the retry is answered %+v", again)
	}
	h.add(after, 2, wire.None, a0)
	h.end(p, true, 2, wire.ProducerFenced)
}

func TestAbortOfNothingBumpsTheEpoch(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	first := h.end(p, false, 2, wire.None)
	second := h.end(first, false, 2, wire.None)
	if second != (Producer{p.ID, 2}) {
		t.Fatalf("second = %+v", second)
	}
	h.expect(CompleteAbort, second)
	if again := h.end(first, false, 2, wire.None); again != second {
		t.Fatalf("the retry is answered %+v", again)
	}
	h.add(second, 2, wire.None, a0)
	third := h.end(second, true, 2, wire.None)
	h.end(third, false, 2, wire.None)
	h.expect(CompleteAbort, Producer{p.ID, 4})
	if d := h.described(); d.StartTimestamp != h.now.UnixMilli() {
		t.Fatalf("described = %+v", d)
	}
}

func TestTheLastEpochEndsInAnotherProducerID(t *testing.T) {
	last := Producer{5, lastEpoch}
	for _, commit := range []bool{true, false} {
		h := preset(t, 2, func(one *transaction) {
			one.state, one.producer, one.partitions, one.startMillis = Ongoing, last, withPartitions(a0), 1<<50
		})
		h.stuck = true
		ticket := h.ask(End{TransactionalID: "t", Producer: last, Commit: commit, Level: 2})
		h.add(last, 2, wire.ConcurrentTransactions, a1)
		if !h.parked(ticket) {
			t.Fatal("answered without a producer id")
		}
		h.carryOut(0)
		after, _ := h.reply(ticket).Answer.(Producer)
		if after != (Producer{ID: 1001}) {
			t.Fatalf("after = %+v", after)
		}
		if got := h.markers(); got.ProducerID != 5 || got.Epoch != math.MaxInt16 {
			t.Fatalf("markers = %+v", got)
		}
		h.reload()
		h.stuck = false
		h.carryOut(0)
		h.expect(map[bool]State{true: CompleteCommit, false: CompleteAbort}[commit], after)
		if again := h.end(last, commit, 2, wire.None); again != after {
			t.Fatalf("the retry is answered %+v", again)
		}
		h.end(last, !commit, 2, wire.InvalidTxnState)
		h.add(after, 2, wire.None, a0)
		h.end(last, commit, 2, wire.InvalidProducerIDMapping)
	}
}

func TestAnEpochNeverWraps(t *testing.T) {
	fence := Producer{5, math.MaxInt16}
	h := preset(t, 2, func(one *transaction) { one.producer = fence })
	h.add(fence, 2, wire.None, a0)
	if after := h.end(fence, true, 2, wire.None); after != (Producer{ID: 1001}) {
		t.Fatalf("after = %+v", after)
	}
}

func TestTheLevelIsLoweredWithinATransaction(t *testing.T) {
	last := Producer{5, lastEpoch}
	h := preset(t, 2, func(one *transaction) {
		one.state, one.producer, one.partitions, one.startMillis, one.level = Ongoing, last, withPartitions(a0), 1<<50, 2
	})
	h.level = 0
	h.code("set level", h.reply(h.ask(SetLevel{Level: 0})).Code, wire.None)
	h.stuck = true
	ticket := h.ask(End{TransactionalID: "t", Producer: last, Commit: true, Level: 2})
	h.carryOut(0)
	after, _ := h.reply(ticket).Answer.(Producer)
	h.reload()
	h.stuck = false
	h.carryOut(0)
	h.expect(CompleteCommit, after)
	if next := h.initAs(after, wire.None); next != (Producer{after.ID, 1}) {
		t.Fatalf("next = %+v", next)
	}
}

func TestAClientChangesItsKindWithinATransaction(t *testing.T) {
	h := newHarness(t, 0)
	p := h.producer()
	h.add(p, 0, wire.None, a0)
	h.ask(SetLevel{Level: 2})
	after := h.end(p, true, 2, wire.None)
	h.expect(CompleteCommit, Producer{p.ID, 1})
	h.add(after, 2, wire.None, a0)
	if same := h.end(after, true, 0, wire.None); same != after {
		t.Fatalf("after = %+v", same)
	}
	h.end(after, true, 0, wire.None)
}

// TestAFencedProducerIsNotToldTheNextEpoch: a producer whose epoch is bumped at each end has been fenced, and the one that fenced it keeps its
// epoch from transaction to transaction. An abort by the first is not taken for one whose answer was missed.
func TestAFencedProducerIsNotToldTheNextEpoch(t *testing.T) {
	for _, commit := range []bool{true, false} {
		h := newHarness(t, 2)
		fenced := h.producer()
		next := h.producer()
		h.add(next, 0, wire.None, a0)
		h.end(next, commit, 0, wire.None)
		h.end(fenced, commit, 2, wire.ProducerFenced)
	}
}
