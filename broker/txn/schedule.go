package txn

import (
	"container/heap"
	"time"
)

// schedule is what has to happen at a time. Zero times are not scheduled.
type schedule struct {
	// abortAt is when to look for transactions that run for too long, expiryAt when to look for ids that are to expire.
	abortAt, expiryAt time.Time
	// retries are the transactions whose missing markers are to be sent again; each is there once at the most.
	retries retryHeap
}

type retry struct {
	at time.Time
	t  *transaction
}

// next is the earliest time, or the zero time.
func (s *schedule) next() time.Time {
	first := s.abortAt
	if !s.expiryAt.IsZero() && s.expiryAt.Before(first) {
		first = s.expiryAt
	}
	if len(s.retries) > 0 && (first.IsZero() || s.retries[0].at.Before(first)) {
		first = s.retries[0].at
	}
	return first
}

func (s *schedule) addRetry(t *transaction, at time.Time) { heap.Push(&s.retries, retry{at, t}) }

// takeRetries takes out the transactions whose time has come.
func (s *schedule) takeRetries(now time.Time, longest time.Duration) []*transaction {
	var ready []*transaction
	for len(s.retries) > 0 && due(s.retries[0].at, now, longest) {
		ready = append(ready, heap.Pop(&s.retries).(retry).t)
	}
	return ready
}

// due reports whether a time has come that was set at most the interval ahead. When it is further off than that, the clock has gone back,
// and to wait for it to catch up could take for ever.
func due(at, now time.Time, interval time.Duration) bool {
	return !now.Before(at) || at.Sub(now) > interval
}

type retryHeap []retry

func (h retryHeap) Len() int           { return len(h) }
func (h retryHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h retryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *retryHeap) Push(x any)        { *h = append(*h, x.(retry)) }

func (h *retryHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = retry{}
	*h = old[:len(old)-1]
	return last
}
