package wire

import (
	"math/rand/v2"
	"testing"
)

// FuzzRequest drives every request decoder behind its header: the first two bytes choose the API and the version.
func FuzzRequest(f *testing.F) {
	var keys []int16
	for key := range int16(100) {
		if _, found := schemas[key]; found {
			keys = append(keys, key)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for i, key := range keys {
		s := schemas[key]
		for version := s.min; version <= s.max; version++ {
			f.Add(byte(i), byte(version-s.min), randomRequest(rng, s, version).AppendTo(nil))
		}
	}
	f.Fuzz(func(t *testing.T, which, version byte, body []byte) {
		s := schemas[keys[int(which)%len(keys)]]
		v := s.min + int16(version)%(s.max-s.min+1)
		request, cost, err := DecodeBody(s.key, v, body, &testBounds)
		if err != nil {
			return
		}
		if cost > testBounds.budget(len(body)) {
			t.Fatalf("a body of %d bytes costs %d", len(body), cost)
		}
		again := request.AppendTo(nil)
		if _, _, err := DecodeBody(s.key, v, again, &testBounds); err != nil {
			t.Fatalf("what was decoded cannot be decoded again: %v", err)
		}
	})
}
