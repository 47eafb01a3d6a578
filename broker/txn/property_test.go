package txn

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/broker/wire"
)

// follows are the states before each state (Apache Kafka's TransactionState.validPreviousStates). An id that is new follows nothing.
var follows = map[State][]State{
	Empty:          {Empty, CompleteCommit, CompleteAbort},
	Ongoing:        {Ongoing, Empty, CompleteCommit, CompleteAbort},
	PrepareCommit:  {Ongoing},
	PrepareAbort:   {Ongoing, Empty, CompleteCommit, CompleteAbort},
	CompleteCommit: {PrepareCommit},
	CompleteAbort:  {PrepareAbort},
}

// TestInvariants sends a machine whatever producers may send, in any order and with any epoch, with time, slow disks, markers that fail,
// answers that are lost and restarts between, and looks at what the log, the markers and the answers say.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			w.act(t)
			w.learn()
		}
		w.finish(t)
	})
}

// world is what a property test knows of producers, partitions and the log.
type world struct {
	*harness
	f         failer
	producers []*actor
	// open are the requests that were not yet seen to be answered.
	open []question
	read int
	// outcomes are what partitions have last been told: whether to commit.
	outcomes map[marking]bool
	// last is the last record of each id.
	last map[string]*transaction
}

type marking struct {
	id    string
	p     Producer
	where TopicPartition
}

type actor struct {
	id string
	p  Producer
}

type question struct {
	by     *actor
	ticket uint64
	q      Request
}

func newWorld(t *rapid.T) *world {
	h := newHarness(t, rapid.Int16Range(0, 2).Draw(t, "level"))
	h.manual, h.stuck = rapid.Bool().Draw(t, "slow disk"), rapid.Bool().Draw(t, "slow calls")
	w := &world{harness: h, f: t, outcomes: map[marking]bool{}, last: map[string]*transaction{}}
	for _, id := range []string{"t", "u"} {
		for range 2 {
			w.producers = append(w.producers, &actor{id: id, p: nobody})
		}
		if rapid.IntRange(0, 2).Draw(t, "preset") == 0 {
			one := newTransaction(id)
			one.producer = Producer{ID: int64(len(w.producers)), Epoch: rapid.Int16Range(lastEpoch-4, lastEpoch+1).Draw(t, "epoch")}
			one.timeoutMillis, one.updatedMillis = 60_000, h.now.UnixMilli()
			h.log = append(h.log, one.record(h.level))
		}
	}
	h.marker = w.written
	h.reload()
	return w
}

func (w *world) act(t *rapid.T) {
	one := rapid.SampledFrom(w.producers).Draw(t, "producer")
	level := rapid.SampledFrom([]int16{0, 2}).Draw(t, "client")
	switch rapid.IntRange(0, 13).Draw(t, "what") {
	case 0, 1:
		expected := rapid.SampledFrom([]Producer{nobody, one.p}).Draw(t, "expected")
		w.question(one, Init{TransactionalID: one.id, TimeoutMillis: 60_000, Expected: expected})
	case 2, 3, 4:
		w.question(one, Add{TransactionalID: one.id, Producer: one.p, Level: level, Partitions: drawPartitions(t)})
	case 5, 6, 7:
		w.question(one, End{TransactionalID: one.id, Producer: one.p, Commit: rapid.Bool().Draw(t, "commit"), Level: level})
	case 8:
		w.pass(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
	case 9, 10:
		if confirmed := w.m.outbox.Confirmed(); confirmed < w.seq {
			w.step(Appended{Seq: confirmed + 1})
		}
	case 11, 12:
		if len(w.calls) > 0 {
			w.answerCall(t, rapid.IntRange(0, len(w.calls)-1).Draw(t, "call"))
		}
	case 13:
		w.restart(t)
	}
}

func drawPartitions(t *rapid.T) []TopicPartition {
	return rapid.SliceOfN(rapid.SampledFrom([]TopicPartition{a0, a1, b0}), 0, 2).Draw(t, "partitions")
}

func (w *world) question(by *actor, q Request) {
	w.open = append(w.open, question{by: by, ticket: w.ask(q), q: q})
}

// answerCall brings back a call with some success.
func (w *world) answerCall(t *rapid.T, i int) {
	what, sends := w.calls[i].What.(SendMarkers)
	if !sends {
		if rapid.IntRange(0, 3).Draw(t, "no id") == 0 {
			w.giveBack(i, ProducerID{Code: wire.CoordinatorNotAvailable})
			return
		}
		w.carryOut(i)
		return
	}
	var result Marked
	for _, p := range what.Partitions {
		one := MarkedPartition{TopicPartition: p, Code: rapid.SampledFrom([]int16{
			wire.None, wire.None, wire.NotLeaderForPartition, wire.TransactionCoordinatorFenced,
		}).Draw(t, "code")}
		if one.Code == wire.None {
			w.written(what, p)
		}
		if rapid.IntRange(0, 5).Draw(t, "lost") != 0 {
			result = append(result, one)
		}
	}
	w.giveBack(i, result)
}

// written is what a partition sees. There is a confirmed decision for it, and of one epoch it sees one outcome only.
func (w *world) written(s SendMarkers, p TopicPartition) {
	var latest *transaction
	for _, r := range w.confirmed() {
		if one := w.decode(r); one.id == s.TransactionalID {
			latest = one
		}
	}
	if latest == nil || latest.state != prepareState(s.Commit) || latest.producer != (Producer{s.ProducerID, s.Epoch}) || !latest.has(p) {
		w.f.Fatalf("%+v into %+v after %+v", s, p, latest)
	}
	key := marking{latest.id, latest.producer, p}
	if before, found := w.outcomes[key]; found && before != s.Commit && s.Level >= bumpLevel {
		w.f.Fatalf("%+v was told two outcomes", key)
	}
	w.outcomes[key] = s.Commit
}

// confirmed is the log without what could still be lost.
func (w *world) confirmed() []Record { return w.log[:len(w.log)-int(w.seq-w.m.outbox.Confirmed())] }

func (w *world) decode(r Record) *transaction {
	one, err := decode(string(r.Key[4:]), r.Value)
	if err != nil {
		w.f.Fatalf("a record cannot be read: %v", err)
	}
	return one
}

// restart loses what is not confirmed, and what clients had not heard by then.
func (w *world) restart(t *rapid.T) {
	unconfirmed := int(w.seq - w.m.outbox.Confirmed())
	kept := rapid.IntRange(0, unconfirmed).Draw(t, "kept")
	w.step(Failed{Code: wire.NotCoordinator})
	w.learn()
	for _, q := range w.open {
		w.f.Fatalf("ticket %d is not answered by a machine that has ended", q.ticket)
	}
	w.log = w.log[:len(w.log)-unconfirmed+kept]
	w.read = min(w.read, len(w.log))
	w.last = map[string]*transaction{}
	for _, r := range w.log[:w.read] {
		w.note(r)
	}
	w.reload()
}

// learn reads the log and the answers.
func (w *world) learn() {
	for ; w.read < len(w.log); w.read++ {
		w.checkRecord(w.log[w.read])
	}
	var still []question
	for _, q := range w.open {
		r, answered := w.replies[q.ticket]
		if !answered {
			still = append(still, q)
			continue
		}
		p, ok := r.Answer.(Producer)
		switch {
		case ok:
			q.by.p = p
		case r.Code == wire.None:
			w.checkAdded(q)
		}
	}
	w.open = still
}

// checkAdded looks for added partitions in a record that is confirmed.
func (w *world) checkAdded(q question) {
	add, ok := q.q.(Add)
	if !ok {
		return
	}
	for _, p := range add.Partitions {
		found := false
		for _, r := range w.confirmed() {
			one := w.decode(r)
			found = found || one.state == Ongoing && one.producer == add.Producer && one.has(p)
		}
		if !found {
			w.f.Fatalf("%+v was said to be added to the transaction of %+v", p, add.Producer)
		}
	}
}

// note takes a record to be the last of its id.
func (w *world) note(r Record) (before, after *transaction) {
	after = w.decode(r)
	before, w.last[after.id] = w.last[after.id], after
	return before, after
}

// checkRecord looks at one transition.
func (w *world) checkRecord(r Record) {
	before, after := w.note(r)
	if before == nil {
		return
	}
	what := fmt.Sprintf("%s of %+v after %s of %+v", after.state, after.producer, before.state, before.producer)
	ok := false
	for _, s := range follows[after.state] {
		ok = ok || s == before.state
	}
	if !ok {
		w.f.Fatalf("%s", what)
	}
	if after.producer.ID == before.producer.ID && after.producer.Epoch < before.producer.Epoch || after.producer.Epoch < 0 {
		w.f.Fatalf("the epoch goes back: %s", what)
	}
	if after.producer.ID != before.producer.ID && (!exhausted(before.producer.Epoch) || after.producer.Epoch != 0) {
		w.f.Fatalf("another producer id: %s", what)
	}
	if before.state == Ongoing && after.state == Ongoing && after.producer != before.producer {
		w.f.Fatalf("another producer goes on: %s", what)
	}
	if after.state == CompleteCommit || after.state == CompleteAbort {
		w.checkMarkers(before)
	}
}

// checkMarkers demands that every partition of a transaction that is called complete has seen its marker.
func (w *world) checkMarkers(prepared *transaction) {
	_, commit := prepared.state.outcome()
	for p := range prepared.partitions {
		if told, found := w.outcomes[marking{prepared.id, prepared.producer, p}]; !found || told != commit {
			w.f.Fatalf("%s of %+v is complete, and %+v was told %t, %t", prepared.state, prepared.producer, p, told, found)
		}
	}
}

// finish lets everything succeed: then nothing stays undecided, and nobody waits.
func (w *world) finish(t *rapid.T) {
	w.step(Appended{Seq: w.seq})
	w.manual = false
	for range 5 {
		for len(w.calls) > 0 {
			w.carryOut(0)
		}
		w.pass(2 * time.Minute)
	}
	w.learn()
	for _, q := range w.open {
		t.Fatalf("ticket %d was never answered", q.ticket)
	}
	for id, one := range w.m.transactions {
		if one.state.decided() || one.state == Ongoing {
			t.Fatalf("%s stays %s", id, one.state)
		}
	}
}

// TestReplayOfAnyPrefix restarts after every record of a log in which everything happens: no prefix is refused, and from each a new
// producer finds its way.
func TestReplayOfAnyPrefix(t *testing.T) {
	h := newHarness(t, 2)
	p := h.producer()
	h.add(p, 2, wire.None, a0, b0)
	p = h.end(p, true, 2, wire.None)
	h.add(p, 2, wire.None, a1)
	h.initAs(nobody, wire.ConcurrentTransactions)
	p = h.producer()
	h.add(p, 0, wire.None, a1)
	h.end(p, false, 0, wire.None)
	h.end(p, false, 2, wire.None)
	h.pass(8 * 24 * time.Hour)
	h.producer()
	if len(h.log) < 14 {
		t.Fatalf("%d records", len(h.log))
	}
	for n := range len(h.log) + 1 {
		m := New(testConfig(), testEpoch, 2)
		for _, r := range h.log[:n] {
			if err := m.Replay(r); err != nil {
				t.Fatalf("after %d records: %v", n, err)
			}
		}
		goOn(t, m)
	}
}
