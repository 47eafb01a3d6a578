package acl

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestTableIsAMap compares a table with a map, step by step. Hashes are drawn so that many are alike: in the bits of the first levels, in
// all bits, or only in the tag. Every older table stays as it was.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alike := rapid.SampledFrom([]uint64{0, 0xff, 0x0fff << 40, ^uint64(0), 0xff << 56}).Draw(t, "mask")
		hash := func(k int) uint64 { return uint64(k) * 0x9e3779b97f4a7c15 & alike } //nolint:gosec // not negative
		keys := rapid.SampledFrom([]int{3, 60, 400}).Draw(t, "keys")
		var now table[int, string]
		have := map[int]string{}
		older, then := now, maps.Clone(have)
		for step := range 300 {
			k := rapid.IntRange(0, keys-1).Draw(t, "key")
			if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
				now = now.put(hash(k), k, nil)
				delete(have, k)
			} else {
				v := fmt.Sprint(step)
				now = now.put(hash(k), k, &v)
				have[k] = v
			}
			if step == 150 {
				older, then = now, maps.Clone(have)
			}
		}
		equal(t, now, have, keys, hash)
		equal(t, older, then, keys, hash)
		for k := range keys {
			now = now.put(hash(k), k, nil)
		}
		if now.root != nil {
			t.Fatal("a table without keys has nodes")
		}
	})
}

func equal(t *rapid.T, got table[int, string], want map[int]string, keys int, hash func(int) uint64) {
	for k := range keys {
		v, is := want[k]
		if have := got.get(hash(k), k); (have != nil) != is || is && *have != v {
			t.Fatalf("key %d has %v, want %q, %t", k, have, v, is)
		}
	}
	seen := map[int]string{}
	got.each(func(k int, v *string) bool { seen[k] = *v; return true })
	if !maps.Equal(seen, want) {
		t.Fatalf("the table has %v, want %v", seen, want)
	}
}

// TestTableBecomesSmall takes away most of many keys: what is left is one leaf again.
func TestTableBecomesSmall(t *testing.T) {
	hash := func(k int) uint64 { return uint64(k) * 0x9e3779b97f4a7c15 } //nolint:gosec // not negative
	var x table[int, int]
	for k := range 10_000 {
		x = x.put(hash(k), k, &k)
	}
	if x.root.children == nil {
		t.Fatal("ten thousand keys are in one leaf")
	}
	for k := leafAgain; k < 10_000; k++ {
		x = x.put(hash(k), k, nil)
	}
	if x.root.children != nil || len(x.root.entries) != leafAgain {
		t.Errorf("%d keys are in %d entries, children %t", leafAgain, len(x.root.entries), x.root.children != nil)
	}
}
