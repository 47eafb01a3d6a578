package evict

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// testClock is a clock that a test moves.
type testClock struct{ now atomic.Int64 }

func (c *testClock) time() time.Time         { return time.Unix(0, c.now.Load()) }
func (c *testClock) advance(d time.Duration) { c.now.Add(int64(d)) }

func newSet(t *testing.T, cfg Config, evicted func(int, Reason)) Set[int] {
	t.Helper()
	s, err := New(cfg, evicted)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func policies(t *testing.T, run func(t *testing.T, p Policy)) {
	t.Helper()
	for name, p := range map[string]Policy{"lru": LRU, "lfu": LFU} {
		t.Run(name, func(t *testing.T) { run(t, p) })
	}
}

// TestLRUIsTheModel compares with a list of keys by their last use. A key that is used twice between two additions counts as
// used at the first of both; the model does the same.
func TestLRUIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1, 20).Draw(t, "max")
		var gone []int
		s, err := New(Config{Policy: LRU, Max: limit, Clock: time.Now}, func(k int, _ Reason) { gone = append(gone, k) })
		if err != nil {
			t.Fatal(err)
		}
		marks := map[int]*Mark{}
		weights := map[int]int64{}
		var order []int // oldest first
		touched := map[int]bool{}
		drop := func(k int) { order = slices.DeleteFunc(order, func(o int) bool { return o == k }) }
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			k := rapid.IntRange(0, 9).Draw(t, "key")
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0:
				s.Remove(k)
				drop(k)
				delete(weights, k)
			case 1:
				if marks[k] == nil {
					marks[k] = &Mark{}
				}
				s.Touch(k, marks[k])
				if slices.Contains(order, k) && !touched[k] {
					drop(k)
					order = append(order, k)
				}
				touched[k] = true
			default:
				w := rapid.Int64Range(1, 6).Draw(t, "weight")
				s.Add(k, w)
				clear(touched)
				drop(k)
				order, weights[k] = append(order, k), w
				var want []int
				for sum(weights) > limit {
					want = append(want, order[0])
					delete(weights, order[0])
					order = order[1:]
				}
				if !slices.Equal(gone, want) {
					t.Fatalf("given up: %v, want %v", gone, want)
				}
				gone = nil
			}
			if s.Weight() != sum(weights) {
				t.Fatalf("weight %d, want %d", s.Weight(), sum(weights))
			}
		}
	})
}

func sum(weights map[int]int64) (total int64) {
	for _, w := range weights {
		total += w
	}
	return total
}

func TestTheBoundHolds(t *testing.T) {
	policies(t, func(t *testing.T, p Policy) {
		there := map[int]int64{}
		s := newSet(t, Config{Policy: p, Max: 100, Clock: time.Now}, func(k int, r Reason) {
			if r != Size || there[k] == 0 {
				t.Errorf("key %d was given up for reason %d; its weight was %d", k, r, there[k])
			}
			delete(there, k)
		})
		for k := range 5000 {
			w := int64(1 + k%7)
			there[k] = w
			s.Add(k, w)
			if s.Weight() > 100 || s.Weight() != sum(there) {
				t.Fatalf("after %d: the weight is %d, of what was not given up %d", k, s.Weight(), sum(there))
			}
		}
		there[1] = 101
		s.Add(1, 101)
		if there[1] != 0 {
			t.Error("what is larger than the set was not given up")
		}
		if s.Weight() > 100 {
			t.Errorf("the weight is %d", s.Weight())
		}
	})
}

func TestLFUOutlivesAScan(t *testing.T) {
	survivors := func(p Policy) int {
		there := map[int]bool{}
		s := newSet(t, Config{Policy: p, Max: 100, Clock: time.Now}, func(k int, _ Reason) { delete(there, k) })
		use := func(k int) {
			if there[k] {
				s.Touch(k, &Mark{})
				return
			}
			there[k] = true
			s.Add(k, 1)
		}
		for range 20 {
			for hot := range 50 {
				use(hot)
			}
		}
		for cold := range 1000 {
			use(1000 + cold)
		}
		n := 0
		for hot := range 50 {
			if there[hot] {
				n++
			}
		}
		return n
	}
	if n := survivors(LRU); n != 0 {
		t.Errorf("LRU kept %d of 50 over a scan of ten times its size", n)
	}
	if n := survivors(LFU); n < 45 {
		t.Errorf("LFU kept %d of 50 over a scan", n)
	}
}

func TestIdleKeysGo(t *testing.T) {
	policies(t, func(t *testing.T, p Policy) {
		clock := &testClock{}
		clock.advance(time.Hour)
		var gone []int
		s := newSet(t, Config{Policy: p, Max: 100, IdleAfter: time.Minute, Clock: clock.time}, func(k int, r Reason) {
			if r != Idle {
				t.Errorf("key %d was given up for reason %d", k, r)
			}
			gone = append(gone, k)
		})
		marks := make([]Mark, 4)
		for k := range marks {
			s.Add(k, 1)
		}
		for range 6 { // a minute and a half, in which 0 and 1 are used
			clock.advance(15 * time.Second)
			s.Touch(0, &marks[0])
			s.Touch(1, &marks[1])
			s.Expire()
		}
		slices.Sort(gone)
		if !slices.Equal(gone, []int{2, 3}) {
			t.Fatalf("idle keys: %v, want 2 and 3", gone)
		}
		s.Remove(0)
		clock.advance(2 * time.Minute)
		s.Expire()
		if !slices.Contains(gone, 1) || slices.Contains(gone, 0) || s.Weight() != 0 {
			t.Fatalf("after two idle minutes: %v, weight %d", gone, s.Weight())
		}
	})
}

func TestManyGoroutines(t *testing.T) {
	policies(t, func(t *testing.T, p Policy) {
		var added, gone atomic.Int64
		var s Set[int]
		s = newSet(t, Config{Policy: p, Max: 64, Clock: time.Now}, func(k int, _ Reason) {
			gone.Add(1)
			s.Touch(k, &Mark{}) // a callback may call the set
		})
		marks := make([]Mark, 4*2000)
		var group sync.WaitGroup
		for g := range 4 {
			group.Go(func() {
				for i := range 2000 {
					k := g*2000 + i
					added.Add(1)
					s.Add(k, 1)
					s.Touch((k*7)%len(marks), &marks[(k*7)%len(marks)])
				}
			})
		}
		group.Wait()
		left := s.Weight()
		for k := range marks {
			s.Remove(k)
		}
		if added.Load() != gone.Load()+left || left > 64 || s.Weight() != 0 {
			t.Fatalf("%d added, %d given up, %d left, %d at the end", added.Load(), gone.Load(), left, s.Weight())
		}
	})
}

func TestBadSets(t *testing.T) {
	for _, cfg := range []Config{
		{Policy: LRU, Clock: time.Now},
		{Policy: LRU, Max: 1},
		{Max: 1, Clock: time.Now},
		{Policy: LFU + 1, Max: 1, Clock: time.Now},
		{Policy: LFU, Max: 1, Clock: time.Now, IdleAfter: -1},
	} {
		if _, err := New(cfg, func(int, Reason) {}); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

func BenchmarkTouch(b *testing.B) {
	for name, p := range map[string]Policy{"lru": LRU, "lfu": LFU} {
		b.Run(name, func(b *testing.B) {
			s, err := New(Config{Policy: p, Max: 1000, Clock: time.Now}, func(int, Reason) {})
			if err != nil {
				b.Fatal(err)
			}
			marks := make([]Mark, 1000)
			for k := range marks {
				s.Add(k, 1)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.Touch(i%1000, &marks[i%1000])
			}
		})
	}
}

// TestRemoveReportsNothing: who removes holds a lock of its own, which the owner of what is reported may need.
func TestRemoveReportsNothing(t *testing.T) {
	policies(t, func(t *testing.T, p Policy) {
		var clock testClock
		removing, reported := false, 0
		s := newSet(t, Config{Policy: p, Max: 100, IdleAfter: time.Second, Clock: clock.time}, func(k int, _ Reason) {
			reported++
			if removing {
				t.Errorf("key %d is reported while another one is removed", k)
			}
		})
		for k := range 50 {
			s.Add(k, 1)
		}
		clock.advance(time.Hour)
		removing = true
		for k := range 25 {
			s.Remove(k)
		}
		removing = false
		s.Expire()
		if reported < 25 {
			t.Errorf("%d keys were reported", reported)
		}
	})
}
