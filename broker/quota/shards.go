package quota

import (
	"hash/maphash"
	"sync"

	"github.com/chronik-stream/chronik/broker/limit"
)

// shardCount spreads the locks: those of one client are for the client's own requests alone, as a rule.
const shardCount = 16

// shards hold what is measured of each client, by key. Clients choose their ids, so that there may be ever so many: beyond
// limit.QuotaClients those that are new are measured as one until others have been idle.
type shards[K comparable, W any] struct {
	seed maphash.Seed
	// idle reports whether a new W would measure the same.
	idle func(w *W, now int64) bool
	// pause is how long a shard that is full is not looked through again, in milliseconds.
	pause int64
	shard [shardCount]shard[K, W]
}

type shard[K comparable, W any] struct {
	mu    sync.Mutex
	of    map[K]*W
	rest  W     // of those for whom there is no room
	swept int64 // when the shard was last looked through, in milliseconds
}

func newShards[K comparable, W any](s span, idle func(*W, int64) bool) *shards[K, W] {
	return &shards[K, W]{seed: maphash.MakeSeed(), idle: idle, pause: s.window}
}

// with calls a function with what is measured for a key, under its lock.
func (s *shards[K, W]) with(key K, now int64, f func(*W)) {
	at := &s.shard[maphash.Comparable(s.seed, key)%shardCount]
	at.mu.Lock()
	defer at.mu.Unlock()
	w, found := at.of[key]
	if !found {
		w = s.add(at, key, now)
	}
	f(w)
}

// add makes room and a new W, or returns the one of those for whom there is none.
func (s *shards[K, W]) add(at *shard[K, W], key K, now int64) *W {
	if len(at.of) >= limit.QuotaClients/shardCount {
		if now-at.swept >= s.pause {
			at.swept = now
			for k, w := range at.of {
				if s.idle(w, now) {
					delete(at.of, k)
				}
			}
		}
		if len(at.of) >= limit.QuotaClients/shardCount {
			return &at.rest
		}
	}
	if at.of == nil {
		at.of = map[K]*W{}
	}
	w := new(W)
	at.of[key] = w
	return w
}

// len is how many keys are measured.
func (s *shards[K, W]) len() int {
	n := 0
	for i := range s.shard {
		s.shard[i].mu.Lock()
		n += len(s.shard[i].of)
		s.shard[i].mu.Unlock()
	}
	return n
}
