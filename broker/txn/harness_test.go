package txn

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

const testEpoch = 7

func testConfig() Config {
	return Config{
		MaxTimeout:     15 * time.Minute,
		AbortInterval:  10 * time.Second,
		IDExpiration:   7 * 24 * time.Hour,
		ExpiryInterval: time.Hour,
		MarkerRetryMin: 100 * time.Millisecond,
		MarkerRetryMax: 10 * time.Second,
		MaxAppendBytes: 4096,
	}
}

var (
	a0 = TopicPartition{"a", 0}
	a1 = TopicPartition{"a", 1}
	b0 = TopicPartition{"b", 0}
)

// harness drives a machine by hand: it keeps the log, the time, the replies and the calls.
type harness struct {
	t       failer
	m       *Machine
	level   int16
	now     time.Time
	wake    time.Time
	log     []Record
	seq     uint64
	ticket  uint64
	replies map[uint64]Reply
	calls   []Call
	// manual keeps appends from being confirmed at once; stuck keeps calls from returning at once.
	manual, stuck bool
	nextID        int64
	// troubles are what those who run the broker were told.
	troubles []coordinator.Trouble
	// marker hears of every marker that is written.
	marker func(SendMarkers, TopicPartition)
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newHarness(t failer, level int16) *harness {
	h := &harness{t: t, level: level, now: time.UnixMilli(1_700_000_000_000), replies: map[uint64]Reply{}, nextID: 1000}
	h.reload()
	return h
}

// reload replays the log into a fresh machine, as another coordinator would.
func (h *harness) reload() {
	h.t.Helper()
	h.m, h.seq, h.wake, h.calls = New(testConfig(), testEpoch, h.level), 0, time.Time{}, nil
	for _, r := range h.log {
		if err := h.m.Replay(r); err != nil {
			h.t.Fatalf("replay: %v", err)
		}
	}
	h.step(Loaded{})
}

func (h *harness) step(ev Event) {
	h.t.Helper()
	before := h.seq
	for _, e := range h.m.Step(ev, h.now) {
		switch e := e.(type) {
		case Append:
			if e.Seq != h.seq+1 {
				h.t.Fatalf("append %d follows %d", e.Seq, h.seq)
			}
			h.seq = e.Seq
			h.log = append(h.log, e.Records...)
		case Reply:
			if _, twice := h.replies[e.Ticket]; twice {
				h.t.Fatalf("ticket %d answered twice", e.Ticket)
			}
			if e.Ticket == 0 || e.Ticket > h.ticket {
				h.t.Fatalf("ticket %d was never sold", e.Ticket)
			}
			h.replies[e.Ticket] = e
		case WakeAt:
			h.wake = e.At
		case Call:
			h.calls = append(h.calls, e)
		case coordinator.Trouble:
			h.troubles = append(h.troubles, e)
		}
	}
	if h.seq != before && !h.manual {
		h.step(Appended{Seq: h.seq})
	}
	for !h.stuck && len(h.calls) > 0 {
		h.carryOut(0)
	}
}

// carryOut returns from a call with success.
func (h *harness) carryOut(i int) {
	h.t.Helper()
	switch what := h.calls[i].What.(type) {
	case WantProducerID:
		h.nextID++
		h.giveBack(i, ProducerID{ID: h.nextID})
	case SendMarkers:
		for _, p := range what.Partitions {
			if h.marker != nil {
				h.marker(what, p)
			}
		}
		h.giveBack(i, allMarked(what, wire.None))
	}
}

func (h *harness) giveBack(i int, result any) {
	h.t.Helper()
	id := h.calls[i].ID
	h.calls = append(h.calls[:i:i], h.calls[i+1:]...)
	h.step(Returned{ID: id, Result: result})
}

func allMarked(s SendMarkers, code int16) Marked {
	var result Marked
	for _, p := range s.Partitions {
		result = append(result, MarkedPartition{TopicPartition: p, Code: code})
	}
	return result
}

// markers are what the only open call is to send.
func (h *harness) markers() SendMarkers {
	h.t.Helper()
	if len(h.calls) != 1 {
		h.t.Fatalf("calls = %+v", h.calls)
	}
	s, ok := h.calls[0].What.(SendMarkers)
	if !ok {
		h.t.Fatalf("call = %+v", h.calls[0])
	}
	return s
}

func (h *harness) ask(q Request) uint64 {
	h.t.Helper()
	h.ticket++
	h.step(Asked{Ticket: h.ticket, Request: q})
	return h.ticket
}

func (h *harness) parked(ticket uint64) bool { _, answered := h.replies[ticket]; return !answered }

func (h *harness) reply(ticket uint64) Reply {
	h.t.Helper()
	r, answered := h.replies[ticket]
	if !answered {
		h.t.Fatalf("ticket %d is not answered", ticket)
	}
	return r
}

// pass lets time go by, with every wake-up on the way.
func (h *harness) pass(d time.Duration) {
	h.t.Helper()
	end := h.now.Add(d)
	for !h.wake.IsZero() && !h.wake.After(end) {
		if h.wake.After(h.now) {
			h.now = h.wake
		}
		h.step(Woken{})
	}
	h.now = end
}

var nobody = Producer{ID: none, Epoch: none}

func initOf(expected Producer) Init {
	return Init{TransactionalID: "t", TimeoutMillis: 60_000, Expected: expected}
}

// producer is answered to an Init that expects nothing.
func (h *harness) producer() Producer {
	h.t.Helper()
	return h.initAs(nobody, wire.None)
}

func (h *harness) initAs(expected Producer, want int16) Producer {
	h.t.Helper()
	r := h.reply(h.ask(initOf(expected)))
	h.code("init", r.Code, want)
	p, _ := r.Answer.(Producer)
	return p
}

func (h *harness) add(p Producer, level, want int16, partitions ...TopicPartition) {
	h.t.Helper()
	h.code("add", h.reply(h.ask(Add{TransactionalID: "t", Producer: p, Partitions: partitions, Level: level})).Code, want)
}

func (h *harness) end(p Producer, commit bool, level, want int16) Producer {
	h.t.Helper()
	r := h.reply(h.ask(End{TransactionalID: "t", Producer: p, Commit: commit, Level: level}))
	h.code("end", r.Code, want)
	after, _ := r.Answer.(Producer)
	return after
}

func (h *harness) code(what string, got, want int16) {
	h.t.Helper()
	if got != want {
		h.t.Fatalf("%s: got %s, want %s", what, wire.CodeName(got), wire.CodeName(want))
	}
}

func (h *harness) described() *kmsg.DescribeTransactionsResponseTransactionState {
	h.t.Helper()
	return h.reply(h.ask(Describe{TransactionalID: "t"})).Answer.(*kmsg.DescribeTransactionsResponseTransactionState)
}

// expect checks what Describe tells of the state and the producer.
func (h *harness) expect(s State, p Producer) {
	h.t.Helper()
	d := h.described()
	if got := (Producer{d.ProducerID, d.ProducerEpoch}); d.State != s.String() || got != p {
		h.t.Fatalf("%s of %+v, want %s of %+v", d.State, got, s, p)
	}
}

// preset begins with an id that is in the log in this way.
func preset(t *testing.T, level int16, change func(*transaction)) *harness {
	t.Helper()
	h := newHarness(t, level)
	one := newTransaction("t")
	one.producer, one.timeoutMillis, one.updatedMillis = Producer{ID: 5, Epoch: 3}, 60_000, h.now.UnixMilli()
	change(one)
	h.log = []Record{one.record(level)}
	h.reload()
	return h
}

func withPartitions(partitions ...TopicPartition) map[TopicPartition]struct{} {
	return union(nil, partitions)
}
