package evict

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// lfu is a Set of what is used least often. The cache below works in the goroutines that call it and reports under its own
// locks; what it gives up therefore waits in gone until the call is over.
type lfu[K comparable] struct {
	evicted func(K, Reason)
	cache   *otter.Cache[K, uint32]

	waiting atomic.Int64 // the length of gone
	mu      sync.Mutex
	gone    []victim[K]
}

// lfuClock gives the cache its time, and no ticks: Expire is called instead.
type lfuClock struct{ now func() time.Time }

func (c lfuClock) NowNano() int64                      { return c.now().UnixNano() }
func (c lfuClock) Tick(time.Duration) <-chan time.Time { return nil }

func newLFU[K comparable](cfg Config, evicted func(K, Reason)) (*lfu[K], error) {
	s := &lfu[K]{evicted: evicted}
	options := &otter.Options[K, uint32]{
		MaximumWeight: uint64(cfg.Max), //nolint:gosec // above zero
		Weigher:       func(_ K, weight uint32) uint32 { return weight },
		OnDeletion:    s.deleted,
		Executor:      func(run func()) { run() },
		Clock:         lfuClock{cfg.Clock},
		Logger:        &otter.NoopLogger{},
	}
	if cfg.IdleAfter > 0 {
		options.ExpiryCalculator = otter.ExpiryAccessing[K, uint32](cfg.IdleAfter)
	}
	cache, err := otter.New(options)
	if err != nil {
		return nil, fmt.Errorf("evict: %w", err)
	}
	s.cache = cache
	return s, nil
}

// deleted is called by the cache, under its locks.
func (s *lfu[K]) deleted(e otter.DeletionEvent[K, uint32]) {
	reason := Size
	switch e.Cause {
	case otter.CauseOverflow:
	case otter.CauseExpiration:
		reason = Idle
	default:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = append(s.gone, victim[K]{e.Key, reason})
	s.waiting.Store(int64(len(s.gone)))
}

// report tells the owner what was given up.
func (s *lfu[K]) report() {
	for s.waiting.Load() > 0 {
		s.mu.Lock()
		gone := s.gone
		s.gone = nil
		s.waiting.Store(0)
		s.mu.Unlock()
		for _, v := range gone {
			s.evicted(v.key, v.reason)
		}
	}
}

func (s *lfu[K]) Add(key K, weight int64) {
	s.cache.Set(key, uint32(min(weight, math.MaxUint32))) //nolint:gosec // just bounded
	s.cache.CleanUp()
	s.report()
}

func (s *lfu[K]) Touch(key K, _ *Mark) {
	s.cache.GetIfPresent(key)
	s.report()
}

// Remove leaves what the cache may give up meanwhile to the next call of another method: owners remove with their own locks held.
func (s *lfu[K]) Remove(key K) bool {
	_, removed := s.cache.Invalidate(key)
	return removed
}

func (s *lfu[K]) Expire() {
	s.cache.CleanUp()
	s.report()
}

func (s *lfu[K]) Weight() int64 { return int64(s.cache.WeightedSize()) } //nolint:gosec // bounded by Max
