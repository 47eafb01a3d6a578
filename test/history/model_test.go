package history

import (
	"slices"

	"pgregory.net/rapid"
)

// world is a broker that does all right, and its clients, in one goroutine. What it records is a good history.
type world struct {
	t         *rapid.T
	events    []Event
	logs      [2][]entry
	producers []*producer
	readers   []*consumer
	clients   int
	txns      int64
	values    int
}

// entry is what is at one offset; without a value it is a marker.
type entry struct {
	value string
	txn   int64
	state txnState
}

type txnState uint8

const (
	plain txnState = iota
	open
	committed
	aborted
)

// producer does one thing after the other.
type producer struct {
	client int
	// txn is its transaction, 0 if there is none; fenced says that the broker has ended it.
	txn    int64
	fenced bool
	// sending is what is under way to a partition, ending an End.
	sending *sending
	ending  *ending
}

type sending struct {
	value     string
	partition int
	// offset is where it was written, -1 before that.
	offset int64
}

type ending struct{ commit, done, failed bool }

type consumer struct {
	client    int
	committed bool
	positions [2]int64
}

// drawWorld draws a world that takes so many steps, at least.
func drawWorld(t *rapid.T, least int) *world {
	w := &world{t: t}
	for range 3 {
		w.producers = append(w.producers, &producer{client: w.client()})
	}
	for i := range 4 {
		w.readers = append(w.readers, &consumer{client: w.client(), committed: i != 0})
	}
	for _, r := range w.readers {
		w.restart(r, 0)
		w.restart(r, 1)
	}
	for range rapid.IntRange(least, 250).Draw(t, "steps") {
		w.step()
	}
	return w
}

func (w *world) client() int { w.clients++; return w.clients }

func (w *world) chance(n int, what string) bool { return rapid.IntRange(1, n).Draw(w.t, what) == 1 }

func (w *world) add(ev Event) { ev.Topic = "t"; w.events = append(w.events, ev) }

func (w *world) step() {
	if w.chance(3, "read") {
		w.read(rapid.SampledFrom(w.readers).Draw(w.t, "reader"), rapid.IntRange(0, 1).Draw(w.t, "partition"))
		return
	}
	p := rapid.SampledFrom(w.producers).Draw(w.t, "producer")
	switch {
	case w.chance(25, "kill"):
		w.begin(p)
	case p.txn != 0 && (p.ending == nil || !p.ending.done) && w.chance(25, "time-out"):
		w.finish(p.txn, aborted)
		p.fenced = true
	case p.ending != nil:
		w.goOnEnding(p)
	case p.sending != nil:
		w.goOnSending(p)
	case p.txn != 0 && w.chance(3, "end"):
		p.ending = &ending{commit: !w.chance(3, "abort")}
		w.add(Event{Client: p.client, Op: End, Phase: Invoke, Txn: p.txn, Commit: p.ending.commit})
	default:
		w.send(p)
	}
}

// begin is a producer that begins anew: what was under way may yet arrive, if it is not in a transaction.
func (w *world) begin(p *producer) {
	if p.sending != nil && p.txn == 0 && w.chance(2, "arrives late") {
		w.write(p)
	}
	if p.ending != nil && !p.ending.done && !p.fenced && w.chance(2, "ends late") {
		w.decide(p)
	}
	if p.txn != 0 {
		w.finish(p.txn, aborted)
	}
	*p = producer{client: w.client()}
}

func (w *world) send(p *producer) {
	if p.txn == 0 && w.chance(2, "transaction") {
		w.txns++
		p.txn = w.txns
	}
	w.values++
	p.sending = &sending{value: name("v", w.values), partition: rapid.IntRange(0, 1).Draw(w.t, "partition"), offset: -1}
	w.add(Event{Client: p.client, Op: Send, Phase: Invoke, Txn: p.txn, Partition: int32(p.sending.partition), Value: p.sending.value})
}

func (w *world) goOnSending(p *producer) {
	s := p.sending
	ev := Event{Client: p.client, Op: Send, Txn: p.txn, Partition: int32(s.partition), Value: s.value, Offset: s.offset}
	switch {
	case w.chance(15, "lost"):
		ev.Phase, ev.Offset = Unknown, -1
		w.add(ev)
		w.begin(p)
		return
	case s.offset < 0 && p.fenced:
		ev.Phase = Fail
		w.add(ev)
		w.begin(p)
		return
	case s.offset < 0:
		w.write(p)
		return
	case w.chance(10, "offset"):
		ev.Offset = -1
	}
	ev.Phase = OK
	w.add(ev)
	p.sending = nil
}

func (w *world) write(p *producer) {
	if p.sending.offset >= 0 {
		return
	}
	e := entry{value: p.sending.value, txn: p.txn}
	if p.txn != 0 {
		e.state = open
	}
	log := &w.logs[p.sending.partition]
	p.sending.offset = int64(len(*log))
	*log = append(*log, e)
}

func (w *world) goOnEnding(p *producer) {
	ev := Event{Client: p.client, Op: End, Txn: p.txn, Commit: p.ending.commit}
	switch {
	case w.chance(8, "lost"):
		ev.Phase = Unknown
		w.add(ev)
		w.begin(p)
		return
	case !p.ending.done:
		w.decide(p)
		return
	case p.ending.failed:
		ev.Phase = Fail
		w.add(ev)
		w.begin(p)
		return
	}
	ev.Phase = OK
	w.add(ev)
	p.txn, p.ending = 0, nil
}

func (w *world) decide(p *producer) {
	p.ending.done, p.ending.failed = true, p.fenced
	state := aborted
	if p.ending.commit {
		state = committed
	}
	w.finish(p.txn, state)
}

// finish ends a transaction, if it is open, with markers.
func (w *world) finish(txn int64, state txnState) {
	for p := range w.logs {
		found := false
		for i := range w.logs[p] {
			if e := &w.logs[p][i]; e.txn == txn && e.state == open {
				e.state, found = state, true
			}
		}
		if found {
			w.logs[p] = append(w.logs[p], entry{})
		}
	}
}

func (w *world) lastStable(partition int) int64 {
	if i := slices.IndexFunc(w.logs[partition], func(e entry) bool { return e.state == open }); i >= 0 {
		return int64(i)
	}
	return int64(len(w.logs[partition]))
}

func (w *world) restart(r *consumer, partition int) {
	r.positions[partition] = rapid.Int64Range(0, r.positions[partition]).Draw(w.t, "position")
	w.add(Event{Client: r.client, Op: Assign, Partition: int32(partition), Offset: r.positions[partition]})
}

func (w *world) read(r *consumer, partition int) {
	switch {
	case w.chance(8, "restart"):
		w.restart(r, partition)
		return
	case w.chance(5, "stable"):
		w.add(Event{Client: r.client, Op: Stable, Partition: int32(partition), Offset: w.lastStable(partition)})
		return
	}
	end := int64(len(w.logs[partition]))
	if r.committed {
		end = w.lastStable(partition)
	}
	from := r.positions[partition]
	if end < from {
		return
	}
	end = min(end, from+int64(rapid.IntRange(1, 6).Draw(w.t, "records")))
	ev := Event{Client: r.client, Op: Poll, Partition: int32(partition), Committed: r.committed}
	for o := from; o < end; o++ {
		if e := w.logs[partition][o]; e.value != "" && (!r.committed || e.state != aborted) {
			ev.Records = append(ev.Records, Record{Offset: o, Value: e.value})
			r.positions[partition] = o + 1
		}
	}
	if w.chance(2, "position") {
		ev.Next, r.positions[partition] = end, end
	}
	w.add(ev)
}
