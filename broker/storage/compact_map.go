package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// keyBytes is how much of a key's hash is kept.
const keyBytes = 16

// slotBytes is what one key takes in an offsetMap, whatever its length.
const slotBytes = keyBytes + 8

// offsetMap knows the newest offset of each key, in memory that is bounded (SkimpyOffsetMap of Apache Kafka). Two keys with the
// same hash would lose the older one's record in silence, so the hash is 128 bits of SHA-256 over a secret salt and the key:
// nobody can search for a pair without the salt, which is new for each map, and four thousand million keys hold one by chance
// with a probability of 2^-65.
type offsetMap struct {
	slots []slot
	// used of at most most slots are taken.
	used, most int
	salt       [keyBytes]byte
	scratch    []byte
	// latest is the last offset of what the map covers, -1 for nothing.
	latest int64
}

type slot struct {
	key [keyBytes]byte
	// next is the offset and one, so that zero is a free slot.
	next int64
}

// newOffsetMap makes a map of at most so many bytes, and no larger than so many keys need.
func newOffsetMap(bytes int64, loadFactor float64, keys int64) *offsetMap {
	slots := min(bytes/slotBytes, int64(float64(keys)/loadFactor)+2)
	m := &offsetMap{slots: make([]slot, max(slots, 2)), latest: -1}
	m.most = max(min(int(float64(len(m.slots))*loadFactor), len(m.slots)-1), 1)
	_, _ = rand.Read(m.salt[:]) // never fails, crypto/rand
	return m
}

// put notes that a key has an offset, which is newer than all before. ok is false where the map is full.
func (m *offsetMap) put(key []byte, offset int64) (ok bool) {
	s := m.find(key)
	if s.next == 0 {
		if m.used == m.most {
			return false
		}
		m.used++
	}
	s.next = offset + 1
	return true
}

// get is the newest offset of a key, -1 if it is not there.
func (m *offsetMap) get(key []byte) int64 { return m.find(key).next - 1 }

// find returns the slot of a key, or a free one.
func (m *offsetMap) find(key []byte) *slot {
	m.scratch = append(append(m.scratch[:0], m.salt[:]...), key...)
	sum := sha256.Sum256(m.scratch)
	high, _ := bits.Mul64(binary.BigEndian.Uint64(sum[keyBytes:]), uint64(len(m.slots)))
	for i := int(high); ; { //nolint:gosec // below the length
		s := &m.slots[i]
		if s.next == 0 {
			s.key = [keyBytes]byte(sum[:keyBytes])
			return s
		}
		if s.key == [keyBytes]byte(sum[:keyBytes]) {
			return s
		}
		if i++; i == len(m.slots) {
			i = 0
		}
	}
}

// utilization is how full the map is, 0 to 1.
func (m *offsetMap) utilization() float64 { return float64(m.used) / float64(len(m.slots)) }
