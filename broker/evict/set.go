package evict

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Policy says what goes when the set is full. The zero value is invalid.
type Policy uint8

// The policies.
const (
	// LRU gives up what was not used for the longest time.
	LRU Policy = iota + 1
	// LFU gives up what is used least often (W-TinyLFU): one long read of old data does not displace what is read all the time.
	// What has just been added may be given up at once, when it is used less than what is there.
	LFU
)

// Reason says why something was given up. The zero value is invalid.
type Reason uint8

// The reasons.
const (
	// Size means that there was no room.
	Size Reason = iota + 1
	// Idle means that it was not used for Config.IdleAfter.
	Idle
)

// Config describes a Set.
type Config struct {
	Policy Policy
	// Max is the largest sum of weights.
	Max int64
	// IdleAfter is how long what is not used stays; 0 means without end. It is kept to the interval at which Expire is called.
	IdleAfter time.Duration
	Clock     func() time.Time
}

// Mark belongs to one key of one set, and spares most uses of it a lock. The zero value is ready.
type Mark struct{ round atomic.Uint64 }

// Set holds keys with weights. Its methods may be called by many goroutines.
type Set[K comparable] interface {
	// Add adds a key, or changes its weight, and gives up what is too much: the key itself, too, where it does not fit.
	Add(key K, weight int64)
	// Touch notes that a key is used. It does nothing for a key that is not there.
	Touch(key K, mark *Mark)
	// Remove takes a key out and says whether it was there. It reports nothing, the key or another one: a caller may hold what
	// evicted needs.
	Remove(key K) bool
	// Expire gives up what is idle.
	Expire()
	// Weight is the sum of the weights.
	Weight() int64
}

// New makes a set. evicted is told what is given up, without any lock held, by a goroutine that calls Add, Touch or Expire; it may
// call the set.
func New[K comparable](cfg Config, evicted func(key K, reason Reason)) (Set[K], error) {
	if cfg.Max < 1 || cfg.IdleAfter < 0 || cfg.Clock == nil {
		return nil, fmt.Errorf("evict: a set of at most %d that forgets after %s", cfg.Max, cfg.IdleAfter)
	}
	switch cfg.Policy {
	case LRU:
		return newLRU(cfg, evicted)
	case LFU:
		return newLFU(cfg, evicted)
	default:
		return nil, fmt.Errorf("evict: unknown policy %d", cfg.Policy)
	}
}
