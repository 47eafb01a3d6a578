package rego

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// ways is how many decisions share a place of the cache before one has to go.
const ways = 4

// cache keeps decisions of one policy by what it can see of a question. It is a table of fixed size, as a processor's cache is, since
// nobody who decides may take a lock or start a goroutine, and since clients choose what is asked: a full place loses one of its
// entries, chosen by the new one's hash, and nothing grows. Where a key belongs nobody outside can know, so nobody can aim at a place.
type cache struct {
	seed   maphash.Seed
	places [][ways]atomic.Pointer[entry]
}

// entry is immutable.
type entry struct {
	hash    uint64
	key     string
	outcome Outcome
}

func newCache(entries int) *cache {
	places := 1 << bits.Len(uint(max(entries/ways, 1)-1)) //nolint:gosec // positive
	return &cache{seed: maphash.MakeSeed(), places: make([][ways]atomic.Pointer[entry], places)}
}

func (c *cache) place(hash uint64) *[ways]atomic.Pointer[entry] {
	return &c.places[hash%uint64(len(c.places))]
}

func (c *cache) get(key []byte) (Outcome, bool) {
	hash := maphash.Bytes(c.seed, key)
	place := c.place(hash)
	for i := range place {
		if e := place[i].Load(); e != nil && e.hash == hash && e.key == string(key) {
			return e.outcome, true
		}
	}
	return Outcome{}, false
}

func (c *cache) put(key []byte, o Outcome) {
	e := &entry{hash: maphash.Bytes(c.seed, key), key: string(key), outcome: o}
	place := c.place(e.hash)
	for i := range place {
		if place[i].Load() == nil && place[i].CompareAndSwap(nil, e) {
			return
		}
	}
	place[(e.hash>>32)%ways].Store(e)
}
