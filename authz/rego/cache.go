package rego

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// ways is how many decisions share a place of the cache before one has to go.
const ways = 4

// cache keeps decisions of one policy by what it can see of a question. It is a table of fixed size, as a processor's cache is, since
// nobody who decides may take a lock or start a goroutine, and since clients choose what is asked: a full place loses one of its
// entries, chosen by the new one's hash, and nothing grows.
type cache struct {
	places [][ways]atomic.Pointer[entry]
}

// entry is immutable.
type entry struct {
	key     key
	outcome Outcome
}

func newCache(entries int) *cache {
	places := 1 << bits.Len(uint(max(entries/ways, 1)-1)) //nolint:gosec // positive
	return &cache{places: make([][ways]atomic.Pointer[entry], places)}
}

// place is where a key belongs, by the hash that it is.
func (c *cache) place(k *key) *[ways]atomic.Pointer[entry] {
	return &c.places[binary.BigEndian.Uint64(k[:])%uint64(len(c.places))]
}

func (c *cache) get(k *key) (Outcome, bool) {
	place := c.place(k)
	for i := range place {
		if e := place[i].Load(); e != nil && e.key == *k {
			return e.outcome, true
		}
	}
	return Outcome{}, false
}

func (c *cache) put(k *key, o Outcome) {
	place := c.place(k)
	e := &entry{key: *k, outcome: o}
	for i := range place {
		if place[i].Load() == nil && place[i].CompareAndSwap(nil, e) {
			return
		}
	}
	place[int(k[len(k)-1])%ways].Store(e)
}
