package group

import (
	"container/heap"
	"time"
)

type timerKind uint8

const (
	// sessionTimer ends a member that was not heard of.
	sessionTimer timerKind = iota + 1
	// joinTimer ends the wait for members to join again.
	joinTimer
	// syncTimer ends the wait for members to ask for their assignment.
	syncTimer
	// revocationTimer ends a member that has not given partitions back.
	revocationTimer
	// expiryTimer looks for offsets that are too old.
	expiryTimer
)

type timerKey struct {
	kind   timerKind
	group  string
	member string
}

type timer struct {
	key   timerKey
	at    time.Time
	index int
}

// timers is a heap of deadlines, each of which can be moved or cancelled by its key.
type timers struct {
	heap  timerHeap
	byKey map[timerKey]*timer
}

func newTimers() timers { return timers{byKey: map[timerKey]*timer{}} }

func (t *timers) set(k timerKey, at time.Time) {
	if old := t.byKey[k]; old != nil {
		old.at = at
		heap.Fix(&t.heap, old.index)
		return
	}
	fresh := &timer{key: k, at: at}
	t.byKey[k] = fresh
	heap.Push(&t.heap, fresh)
}

func (t *timers) cancel(k timerKey) {
	if old := t.byKey[k]; old != nil {
		heap.Remove(&t.heap, old.index)
		delete(t.byKey, k)
	}
}

// next is the earliest deadline, or the zero time.
func (t *timers) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

// due takes out one timer whose time has come.
func (t *timers) due(now time.Time) (timerKey, bool) {
	if len(t.heap) == 0 || t.heap[0].at.After(now) {
		return timerKey{}, false
	}
	k := t.heap[0].key
	t.cancel(k)
	return k, true
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
