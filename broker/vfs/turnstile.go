package vfs

import (
	"slices"
	"strings"
	"sync"
)

// Turnstile holds calls back and lets them through one at a time: so who drives a test, and no goroutine, says in which order they change
// a disk. The zero value holds every call.
type Turnstile struct {
	mu      sync.Mutex
	opened  bool
	waiting []*heldCall
}

// heldCall is a call that waits.
type heldCall struct {
	what    string
	release chan struct{}
}

// Pass waits until the call is let through. what is by what Grant orders the calls that wait.
func (s *Turnstile) Pass(what string) {
	s.mu.Lock()
	if s.opened {
		s.mu.Unlock()
		return
	}
	c := &heldCall{what: what, release: make(chan struct{})}
	s.waiting = append(s.waiting, c)
	s.mu.Unlock()
	<-c.release
}

// Grant lets one of the calls that wait and that may go on through, and says whether there was any. choose picks one of n, in the order of
// what they are.
func (s *Turnstile) Grant(may func(what string) bool, choose func(n int) int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []*heldCall
	for _, c := range s.waiting {
		if may(c.what) {
			calls = append(calls, c)
		}
	}
	if len(calls) == 0 {
		return false
	}
	slices.SortFunc(calls, func(a, b *heldCall) int { return strings.Compare(a.what, b.what) })
	c := calls[choose(len(calls))]
	s.waiting = slices.DeleteFunc(s.waiting, func(w *heldCall) bool { return w == c })
	close(c.release)
	return true
}

// Open lets all calls through from here on.
func (s *Turnstile) Open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = true
	for _, c := range s.waiting {
		close(c.release)
	}
	s.waiting = nil
}
