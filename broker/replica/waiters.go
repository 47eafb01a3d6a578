package replica

import "sync"

// Signal is woken when something that it waits for has come. It may wait on many replicas at once. It never blocks who wakes it.
type Signal chan struct{}

// NewSignal returns a signal that is not woken.
func NewSignal() Signal { return make(Signal, 1) }

func (s Signal) wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// waiters are the signals of one replica, each with the offset that it waits for.
type waiters struct {
	mu   sync.Mutex
	list []waiter
}

type waiter struct {
	signal Signal
	offset int64
}

func (w *waiters) add(s Signal, offset int64) {
	w.mu.Lock()
	w.list = append(w.list, waiter{signal: s, offset: offset})
	w.mu.Unlock()
}

func (w *waiters) remove(s Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.list {
		if w.list[i].signal == s {
			w.drop(i)
			return
		}
	}
}

// reached wakes those that wait for an offset up to end, and forgets them.
func (w *waiters) reached(end int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := 0; i < len(w.list); {
		if w.list[i].offset > end {
			i++
			continue
		}
		w.list[i].signal.wake()
		w.drop(i)
	}
}

// all wakes everybody: what they wait for may never come.
func (w *waiters) all() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.list {
		w.list[i].signal.wake()
	}
	clear(w.list)
	w.list = w.list[:0]
}

func (w *waiters) drop(i int) {
	last := len(w.list) - 1
	w.list[i] = w.list[last]
	w.list[last] = waiter{}
	w.list = w.list[:last]
}
