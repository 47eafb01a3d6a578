package txn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestAddOfEveryState(t *testing.T) {
	for state, want := range map[State]int16{
		Empty: wire.None, Ongoing: wire.None, CompleteCommit: wire.None, CompleteAbort: wire.None,
		PrepareCommit: wire.ConcurrentTransactions, PrepareAbort: wire.ConcurrentTransactions,
	} {
		h := newHarness(t, 2)
		one := newTransaction("t")
		one.state, one.producer, one.timeoutMillis, one.startMillis = state, Producer{5, 3}, 60_000, 17
		if state == Ongoing || state.decided() {
			one.partitions = withPartitions(a0)
		}
		h.log, h.stuck = []Record{one.record(2)}, true
		h.reload()
		h.add(Producer{6, 3}, 2, cmp.Or(want, wire.InvalidProducerIDMapping), b0)
		h.add(Producer{5, 2}, 2, cmp.Or(want, wire.ProducerFenced), b0)
		h.add(Producer{5, 4}, 2, cmp.Or(want, wire.ProducerFenced), b0)
		h.add(Producer{5, 3}, 2, want, b0)
		wantStart := h.now.UnixMilli()
		if state == Ongoing || state.decided() {
			wantStart = 17
		}
		if d := h.described(); d.StartTimestamp != wantStart || want == wire.None && d.State != "Ongoing" {
			t.Errorf("%s: described = %+v", state, d)
		}
	}
	h := newHarness(t, 2)
	h.add(Producer{5, 3}, 2, wire.InvalidProducerIDMapping, a0)
	h.code("no id", h.reply(h.ask(Add{})).Code, wire.InvalidRequest)
}

func TestPartitionsThatAreThereNeedNoRecord(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0, b0)
	before := len(h.log)
	h.add(p, 2, wire.None, b0)
	if len(h.log) != before {
		t.Fatal("a record was written")
	}
	h.add(p, 2, wire.None, b0, a1)
	h.reload()
	d := h.described()
	if len(d.Topics) != 2 || fmt.Sprint(d.Topics[0].Partitions) != "[0 1]" || d.Topics[1].Topic != "b" {
		t.Fatalf("topics = %+v", d.Topics)
	}
}

func TestAddIsAnsweredWhenItIsInTheLog(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.manual = true
	add := h.ask(Add{TransactionalID: "t", Producer: p, Partitions: []TopicPartition{a0}, Level: 2})
	again := h.ask(Add{TransactionalID: "t", Producer: p, Partitions: []TopicPartition{a0}, Level: 2})
	verify := h.ask(Verify{TransactionalID: "t", Producer: p, Partitions: []TopicPartition{a0}})
	if !h.parked(add) || !h.parked(again) || !h.parked(verify) {
		t.Fatal("a reply told what is not in the log")
	}
	h.step(Appended{Seq: h.seq})
	h.code("add", h.reply(add).Code, wire.None)
	h.code("again", h.reply(again).Code, wire.None)
	h.code("verify", h.reply(verify).Code, wire.None)
}

func TestATransactionThatNoRecordCanHold(t *testing.T) {
	h := newHarness(t, 0)
	p := h.producer()
	var many []TopicPartition
	for i := range int32(1000) {
		many = append(many, TopicPartition{"topic", i})
	}
	h.add(p, 0, wire.UnknownServerError, many...)
	h.add(p, 0, wire.UnknownServerError, TopicPartition{Topic: string(make([]byte, 1<<15))})
	h.expect(Empty, p)
	fits := 0
	for _, one := range many {
		if h.reply(h.ask(Add{TransactionalID: "t", Producer: p, Partitions: []TopicPartition{one}})).Code != wire.None {
			break
		}
		fits++
	}
	if fits < 900 || fits == len(many) {
		t.Fatalf("%d partitions fit", fits)
	}
	if len(h.troubles) != 3 || h.troubles[0].ID != "t" || !strings.Contains(h.troubles[0].Err.Error(), "raise the topic's max.message.bytes") {
		t.Fatalf("told of %v", h.troubles)
	}
	h.ask(SetLevel{Level: 2})
	h.end(p, true, 2, wire.None)
	h.expect(CompleteCommit, Producer{p.ID, 1})
	for _, r := range h.log {
		if r.Size() > testConfig().MaxAppendBytes {
			t.Fatalf("a record has %d bytes", r.Size())
		}
	}
}

func TestVerify(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0)
	ask := func(p Producer) Reply {
		return h.reply(h.ask(Verify{TransactionalID: "t", Producer: p, Partitions: []TopicPartition{a0, b0}}))
	}
	codes, _ := ask(p).Answer.([]int16)
	if !slices.Equal(codes, []int16{wire.None, wire.TransactionAbortable}) {
		t.Fatalf("codes = %v", codes)
	}
	h.code("other id", ask(Producer{p.ID + 1, p.Epoch}).Code, wire.InvalidProducerIDMapping)
	h.code("other epoch", ask(Producer{p.ID, p.Epoch + 1}).Code, wire.ProducerFenced)
	h.code("unknown", h.reply(h.ask(Verify{TransactionalID: "u", Producer: p})).Code, wire.InvalidProducerIDMapping)
	h.code("no id", h.reply(h.ask(Verify{Producer: p})).Code, wire.InvalidRequest)
	h.stuck = true
	after := h.end(p, true, 2, wire.None)
	h.code("decided", ask(after).Code, wire.ConcurrentTransactions)
	h.carryOut(0)
	codes, _ = ask(after).Answer.([]int16)
	if !slices.Equal(codes, []int16{wire.TransactionAbortable, wire.TransactionAbortable}) {
		t.Fatalf("codes = %v", codes)
	}
}
