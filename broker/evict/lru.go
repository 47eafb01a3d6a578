package evict

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// lru is a Set of the least recently used. The order matters only when something is given up, so a key that was used since the
// last change of the set is not moved again: a set that holds all that is used takes no lock for it.
type lru[K comparable] struct {
	cfg     Config
	evicted func(K, Reason)
	round   atomic.Uint64 // begins anew with each Add and Expire

	mu     sync.Mutex
	order  *simplelru.LRU[K, lruEntry]
	weight int64
}

type lruEntry struct {
	weight int64
	used   time.Time
}

// victim is what was given up and is not reported yet.
type victim[K comparable] struct {
	key    K
	reason Reason
}

func newLRU[K comparable](cfg Config, evicted func(K, Reason)) (*lru[K], error) {
	order, err := simplelru.NewLRU[K, lruEntry](math.MaxInt, nil) // the bound is on weights, and kept here
	if err != nil {
		return nil, err
	}
	s := &lru[K]{cfg: cfg, evicted: evicted, order: order}
	s.round.Store(1)
	return s, nil
}

func (s *lru[K]) Add(key K, weight int64) {
	var gone []victim[K]
	s.mu.Lock()
	if old, ok := s.order.Peek(key); ok {
		s.weight -= old.weight
	}
	s.order.Add(key, lruEntry{weight, s.cfg.Clock()})
	s.weight += weight
	for s.weight > s.cfg.Max {
		gone = s.dropOldest(gone, Size)
	}
	s.round.Add(1)
	s.mu.Unlock()
	s.report(gone)
}

// dropOldest takes the oldest key out. The caller holds the lock.
func (s *lru[K]) dropOldest(gone []victim[K], reason Reason) []victim[K] {
	key, e, _ := s.order.RemoveOldest()
	s.weight -= e.weight
	return append(gone, victim[K]{key, reason})
}

func (s *lru[K]) report(gone []victim[K]) {
	for _, v := range gone {
		s.evicted(v.key, v.reason)
	}
}

func (s *lru[K]) Touch(key K, mark *Mark) {
	if mark.round.Load() == s.round.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	mark.round.Store(s.round.Load())
	if e, ok := s.order.Peek(key); ok {
		e.used = s.cfg.Clock()
		s.order.Add(key, e)
	}
}

func (s *lru[K]) Remove(key K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.order.Peek(key)
	if ok {
		s.weight -= e.weight
		s.order.Remove(key)
	}
	return ok
}

func (s *lru[K]) Expire() {
	if s.cfg.IdleAfter == 0 {
		return
	}
	var gone []victim[K]
	s.mu.Lock()
	since := s.cfg.Clock().Add(-s.cfg.IdleAfter)
	for {
		_, e, ok := s.order.GetOldest()
		if !ok || e.used.After(since) {
			break
		}
		gone = s.dropOldest(gone, Idle)
	}
	s.round.Add(1)
	s.mu.Unlock()
	s.report(gone)
}

func (s *lru[K]) Weight() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.weight
}
