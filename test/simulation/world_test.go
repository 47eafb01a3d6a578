package simulation

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/test/history"
)

// world is one run: the time, what is to happen, the broker, its clients, and what they have seen.
type world struct {
	r    *rand.Rand
	draw draw
	// level is the finalized transaction.version.
	level  int16
	faults faults
	now    time.Time
	queue  queue
	// broker is nil while it is down; epoch counts its lives.
	broker *broker
	epoch  int32
	disk   disk
	// producerIDs counts the ids that were given out; it outlives the broker.
	producerIDs int64
	clients     int
	// alive counts the clients of each transactional id.
	alive     map[string]int
	txns      int64
	values    int
	guards    uint64
	transfers []*transfer
	// quiet is when trouble ends and clients begin nothing more.
	quiet  time.Time
	events []history.Event
	// broken says what was found that is not in the events.
	broken []string
}

// draw is what a run is like.
type draw struct {
	// levels are the finalized transaction.version at first and after some time.
	levels     [2]int16
	partitions int32
	// loss is one in how many messages that are lost, crash one in how many appends at which the broker or a coordinator fails.
	loss, crash int
	// lateness is one in how many requests of clients that are safe from it (transaction.version 2) that come very late.
	lateness int
	expiry   time.Duration
}

const (
	accounts      = 8
	runTime       = 5 * time.Second
	txnTimeout    = time.Second
	abortInterval = 500 * time.Millisecond
	// drainTime is more than what the last transaction takes to be aborted and marked.
	drainTime = 20 * time.Second
)

func newWorld(seed uint64, f faults) *world {
	r := rand.New(rand.NewPCG(seed, 5))
	w := &world{r: r, faults: f, now: time.UnixMilli(1_700_000_000_000), alive: map[string]int{}, draw: draw{
		levels: pick(r, [2]int16{0, 0}, [2]int16{2, 2}, [2]int16{2, 2}, [2]int16{0, 2}, [2]int16{2, 0}), partitions: pick[int32](r, 1, 2), loss: pick(r, 20, 100, 1_000_000), crash: pick(r, 40, 150, 1_000_000),
		lateness: pick(r, 10, 1_000_000), expiry: pick(r, 2*time.Second, 24*time.Hour),
	}}
	w.level = w.draw.levels[0]
	w.disk = newModelDisk(w)
	return w
}

func account(i int) txn.TopicPartition {
	return txn.TopicPartition{Topic: fmt.Sprintf("account-%d", i)}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (w *world) oneIn(n int) bool { return w.r.IntN(n) == 0 }

// trouble reports whether something that happens once in n times happens now.
func (w *world) trouble(n int) bool { return w.now.Before(w.quiet) && w.oneIn(n) }

// upTo is a random time, never none: nothing happens at the very time of its cause.
func (w *world) upTo(most time.Duration) time.Duration {
	return 1 + time.Duration(w.r.Int64N(int64(most)))
}

func (w *world) record(ev history.Event) { w.events = append(w.events, ev) }

func (w *world) breaks(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// happening is something that is to happen; those of one time happen in the order in which they were planned.
type happening struct {
	at   time.Time
	turn int
	run  func()
}

type queue struct {
	heap  happenings
	turns int
}

// after plans something.
func (w *world) after(d time.Duration, run func()) {
	w.queue.turns++
	heap.Push(&w.queue.heap, happening{w.now.Add(d), w.queue.turns, run})
}

// runUntil lets happen what is planned up to a time.
func (w *world) runUntil(end time.Time) {
	for len(w.queue.heap) > 0 && !w.queue.heap[0].at.After(end) {
		h := heap.Pop(&w.queue.heap).(happening)
		w.now = h.at
		h.run()
	}
	w.now = end
}

type happenings []happening

func (h happenings) Len() int      { return len(h) }
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(happening)) }

func (h happenings) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].turn < h[j].turn
}

func (h *happenings) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
