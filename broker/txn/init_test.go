package txn

import (
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestInitMakesAnIDAndBumpsItsEpoch(t *testing.T) {
	h := newHarness(t, 2)
	first := h.producer()
	if first != (Producer{ID: 1001, Epoch: 0}) {
		t.Fatalf("first = %+v", first)
	}
	if second := h.producer(); second != (Producer{ID: 1001, Epoch: 1}) {
		t.Fatalf("second = %+v", second)
	}
	h.expect(Empty, Producer{ID: 1001, Epoch: 1})
	h.reload()
	h.expect(Empty, Producer{ID: 1001, Epoch: 1})
}

func TestInitOfAnUnknownIDBelievesTheProducer(t *testing.T) {
	h := newHarness(t, 2)
	if p := h.initAs(Producer{ID: 77, Epoch: 9}, wire.None); p != (Producer{ID: 1001, Epoch: 0}) {
		t.Fatalf("producer = %+v", p)
	}
}

func TestInitIsChecked(t *testing.T) {
	h := newHarness(t, 2)
	for name, c := range map[string]struct {
		q    Init
		want int16
	}{
		"no id":            {Init{TimeoutMillis: 1, Expected: nobody}, wire.InvalidRequest},
		"id beyond bound":  {Init{TransactionalID: strings.Repeat("x", 1<<15), TimeoutMillis: 1, Expected: nobody}, wire.InvalidRequest},
		"id beyond batch":  {Init{TransactionalID: strings.Repeat("x", 4096), TimeoutMillis: 1, Expected: nobody}, wire.UnknownServerError},
		"epoch without id": {Init{TransactionalID: "t", TimeoutMillis: 1, Expected: Producer{none, 0}}, wire.InvalidRequest},
		"id without epoch": {Init{TransactionalID: "t", TimeoutMillis: 1, Expected: Producer{0, none}}, wire.InvalidRequest},
		"no time-out":      {Init{TransactionalID: "t", TimeoutMillis: 0, Expected: nobody}, wire.InvalidTransactionTimeout},
		"time-out long":    {Init{TransactionalID: "t", TimeoutMillis: 900_001, Expected: nobody}, wire.InvalidTransactionTimeout},
		"time-out longest": {Init{TransactionalID: "t", TimeoutMillis: 900_000, Expected: nobody}, wire.None},
	} {
		if got := h.reply(h.ask(c.q)).Code; got != c.want {
			t.Errorf("%s: %s", name, wire.CodeName(got))
		}
	}
}

func TestInitByAProducerThatSaysWhatItIs(t *testing.T) {
	h := newHarness(t, 0)
	p := h.producer()
	next := h.initAs(p, wire.None)
	if next != (Producer{p.ID, 1}) {
		t.Fatalf("next = %+v", next)
	}
	if again := h.initAs(p, wire.None); again != next {
		t.Fatalf("the retry is answered %+v", again)
	}
	h.initAs(Producer{p.ID, 7}, wire.ProducerFenced)
	h.initAs(Producer{p.ID + 1, 1}, wire.ProducerFenced)
	other := h.producer()
	h.initAs(next, wire.ProducerFenced)
	if after := h.initAs(other, wire.None); after != (Producer{p.ID, 3}) {
		t.Fatalf("after = %+v", after)
	}
}

func TestInitWhereTheEpochsRunOut(t *testing.T) {
	worn := Producer{ID: 5, Epoch: lastEpoch}
	h := preset(t, 2, func(one *transaction) { one.producer = worn })
	fresh := h.initAs(worn, wire.None)
	if fresh != (Producer{ID: 1001, Epoch: 0}) {
		t.Fatalf("fresh = %+v", fresh)
	}
	h.initAs(Producer{ID: 5, Epoch: 0}, wire.ProducerFenced)
	if again := h.initAs(worn, wire.None); again != fresh {
		t.Fatalf("the retry is answered %+v", again)
	}
	h.initAs(Producer{ID: 5, Epoch: lastEpoch - 1}, wire.ProducerFenced)

	h = preset(t, 2, func(one *transaction) { one.producer = worn })
	h.initAs(Producer{ID: 5, Epoch: 4}, wire.ProducerFenced)
	if fresh := h.producer(); fresh != (Producer{ID: 1001, Epoch: 0}) {
		t.Fatalf("fresh = %+v", fresh)
	}
	h.initAs(worn, wire.ProducerFenced)
}

func TestInitWhileAProducerIDIsAskedFor(t *testing.T) {
	h := newHarness(t, 2)
	h.stuck = true
	first := h.ask(initOf(nobody))
	h.code("second init", h.reply(h.ask(initOf(nobody))).Code, wire.ConcurrentTransactions)
	h.add(Producer{}, 2, wire.InvalidProducerIDMapping, a0)
	if !h.parked(first) || len(h.calls) != 1 {
		t.Fatalf("calls = %+v", h.calls)
	}
	h.giveBack(0, ProducerID{Code: wire.CoordinatorLoadInProgress})
	h.code("init", h.reply(first).Code, wire.CoordinatorLoadInProgress)
	if len(h.log) != 0 || h.described().ErrorCode != wire.TransactionalIDNotFound {
		t.Fatal("an id without a producer id exists")
	}
	for _, broken := range []any{nil, Marked{}, ProducerID{ID: -4}} {
		ticket := h.ask(initOf(nobody))
		h.giveBack(0, broken)
		h.code("init", h.reply(ticket).Code, wire.UnknownServerError)
	}
	h.stuck = false
	h.producer()
}

func TestInitEndsWhatAnotherProducerLeft(t *testing.T) {
	for level, c := range map[int16]struct{ fence, next Producer }{
		0: {Producer{1001, 1}, Producer{1001, 2}},
		2: {Producer{1001, 1}, Producer{1001, 2}},
	} {
		h := newHarness(t, level)
		old := h.producer()
		h.add(old, level, wire.None, a0, b0)
		h.stuck = true
		h.initAs(nobody, wire.ConcurrentTransactions)
		got := h.markers()
		if got.Commit || got.ProducerID != c.fence.ID || got.Epoch != c.fence.Epoch || got.Level != level ||
			got.CoordinatorEpoch != testEpoch || len(got.Partitions) != 2 {
			t.Fatalf("level %d: markers = %+v", level, got)
		}
		h.initAs(nobody, wire.ConcurrentTransactions)
		h.add(old, level, wire.ConcurrentTransactions, a1)
		h.initAs(Producer{old.ID + 1, 0}, wire.ConcurrentTransactions)
		h.end(old, true, 0, wire.ProducerFenced)
		h.stuck = false
		h.carryOut(0)
		if next := h.producer(); next != c.next {
			t.Fatalf("level %d: next = %+v", level, next)
		}
		h.end(old, true, 0, wire.ProducerFenced)
	}
}

func TestAFenceIsAnsweredWhenItIsInTheLog(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0)
	h.manual, h.stuck = true, true
	ticket := h.ask(initOf(nobody))
	if !h.parked(ticket) || len(h.calls) != 0 {
		t.Fatal("a decision that is not confirmed was acted on")
	}
	h.step(Appended{Seq: h.seq})
	h.code("init", h.reply(ticket).Code, wire.ConcurrentTransactions)
	h.markers()
}

func TestAFenceInTheLastEpoch(t *testing.T) {
	ongoing := func(one *transaction) {
		one.state, one.producer, one.partitions = Ongoing, Producer{5, lastEpoch}, withPartitions(a0)
		one.startMillis = one.updatedMillis
	}
	for level := range int16(3) {
		h := preset(t, level, ongoing)
		h.stuck = true
		ticket := h.ask(initOf(nobody))
		if level == 2 {
			h.end(Producer{5, lastEpoch}, true, 2, wire.ConcurrentTransactions)
			h.carryOut(0)
		}
		h.code("init", h.reply(ticket).Code, wire.ConcurrentTransactions)
		if got := h.markers(); got.ProducerID != 5 || got.Epoch != lastEpoch+1 {
			t.Fatalf("level %d: markers = %+v", level, got)
		}
		h.stuck = false
		h.carryOut(0)
		p := h.producer()
		if want := (Producer{ID: 1001, Epoch: 0}); level < 2 && p != want {
			t.Fatalf("level %d: producer = %+v", level, p)
		}
		if want := (Producer{ID: 1001, Epoch: 1}); level == 2 && p != want {
			t.Fatalf("level %d: producer = %+v", level, p)
		}
	}
}

func TestTheClockInARecordIsTheSteps(t *testing.T) {
	h := newHarness(t, 0)
	p := h.producer()
	h.pass(time.Second)
	h.add(p, 0, wire.None, a0)
	began := h.now.UnixMilli()
	h.pass(time.Second)
	h.add(p, 0, wire.None, a1)
	if d := h.described(); d.StartTimestamp != began || d.TimeoutMillis != 60_000 {
		t.Fatalf("described = %+v", d)
	}
}
