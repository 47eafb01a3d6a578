package fetchsession

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
)

func newTestCache(slots int) (*Cache, *time.Time) {
	now := time.Unix(1000, 0)
	return NewCache(Config{Slots: slots, Partitions: 100, MinIdle: 2 * time.Minute, Clock: func() time.Time { return now }}), &now
}

func want(partition int32) Wanted { return Wanted{Key: Key{Topic: "t", Partition: partition}} }

func begin(t *testing.T, c *Cache, q Request) *Fetch {
	t.Helper()
	if q.Principal.IsZero() {
		q.Principal = auth.User("alice")
	}
	f, err := c.Begin(q)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestIncrementalFetch(t *testing.T) {
	c, _ := newTestCache(10)
	f := begin(t, c, Request{Wanted: []Wanted{want(0), want(1), want(2)}})
	id := f.SessionID()
	if id == 0 || !f.Full || len(f.Wanted) != 3 {
		t.Fatalf("opened %+v", f)
	}
	for p := range int32(3) {
		if !f.Tell(Key{Topic: "t", Partition: p}, Told{HighWatermark: 5}, false, false) {
			t.Errorf("a full answer leaves out partition %d", p)
		}
	}
	f = begin(t, c, Request{SessionID: id, Epoch: 1, Forgotten: []Key{{Topic: "t", Partition: 1}}})
	if len(f.Wanted) != 2 || f.Full {
		t.Fatalf("second fetch %+v", f)
	}
	if f.Tell(Key{Topic: "t", Partition: 0}, Told{HighWatermark: 5}, false, false) {
		t.Error("no news is told")
	}
	if !f.Tell(Key{Topic: "t", Partition: 0}, Told{HighWatermark: 6}, true, false) {
		t.Error("news is not told")
	}
	f = begin(t, c, Request{SessionID: id, Epoch: 2})
	if f.Wanted[0].Partition != 2 {
		t.Error("a partition that got records is served first again")
	}
}

func TestSessionsAreRefused(t *testing.T) {
	c, _ := newTestCache(10)
	id := begin(t, c, Request{Wanted: []Wanted{want(0)}}).SessionID()
	cases := map[string]struct {
		q    Request
		code int16
	}{
		"unknown id":        {Request{Principal: auth.User("alice"), SessionID: id + 1, Epoch: 1}, wire.FetchSessionIDNotFound},
		"another principal": {Request{Principal: auth.User("eve"), SessionID: id, Epoch: 1}, wire.FetchSessionIDNotFound},
		"wrong epoch":       {Request{Principal: auth.User("alice"), SessionID: id, Epoch: 2}, wire.InvalidFetchSessionEpoch},
		"ids for names":     {Request{Principal: auth.User("alice"), SessionID: id, Epoch: 1, ByID: true}, wire.FetchSessionTopicIDError},
	}
	for name, tc := range cases {
		if _, err := c.Begin(tc.q); wire.CodeOf(err) != tc.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	begin(t, c, Request{Principal: auth.User("eve"), SessionID: id, Epoch: -1})
	if c.Len() != 1 {
		t.Error("somebody else has closed the session")
	}
	begin(t, c, Request{SessionID: id, Epoch: -1})
	if c.Len() != 0 {
		t.Error("the session is not closed")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	c, now := newTestCache(2)
	open := func() int32 { return begin(t, c, Request{Wanted: []Wanted{want(0)}}).SessionID() }
	first, second := open(), open()
	if open() != 0 {
		t.Error("a session more than there are slots")
	}
	*now = now.Add(time.Minute)
	begin(t, c, Request{SessionID: second, Epoch: 1})
	*now = now.Add(time.Minute)
	if open() == 0 || c.Len() != 2 {
		t.Error("an idle session keeps its place")
	}
	if _, err := c.Begin(Request{Principal: auth.User("alice"), SessionID: first, Epoch: 1}); wire.CodeOf(err) != wire.FetchSessionIDNotFound {
		t.Errorf("the idle session is still there: %v", err)
	}
}

func TestEpochsWrap(t *testing.T) {
	if next(1<<31-1) != 1 || next(1) != 2 {
		t.Error("epochs do not wrap to 1")
	}
}

func TestAForgottenSessionEnds(t *testing.T) {
	c, _ := newTestCache(10)
	id := begin(t, c, Request{Wanted: []Wanted{want(0), want(1)}}).SessionID()
	f := begin(t, c, Request{SessionID: id, Epoch: 1, Forgotten: []Key{want(0).Key, want(1).Key}})
	if len(f.Wanted) != 0 || f.SessionID() != 0 || c.Len() != 0 || c.partitions.Load() != 0 {
		t.Errorf("session %d with %d partitions, %d in the cache", f.SessionID(), len(f.Wanted), c.Len())
	}
}

func TestPartitionsAreBounded(t *testing.T) {
	c, now := newTestCache(10)
	many := func(first, n int32) (out []Wanted) {
		for p := range n {
			out = append(out, want(first+p))
		}
		return out
	}
	if id := begin(t, c, Request{Wanted: many(0, 101)}).SessionID(); id != 0 {
		t.Error("a session beyond the bound")
	}
	id := begin(t, c, Request{Wanted: many(0, 60)}).SessionID()
	if begin(t, c, Request{Wanted: many(0, 60)}).SessionID() != 0 {
		t.Error("two sessions beyond the bound")
	}
	if _, err := c.Begin(Request{Principal: auth.User("alice"), SessionID: id, Epoch: 1, Wanted: many(60, 60)}); wire.CodeOf(err) != wire.FetchSessionIDNotFound {
		t.Errorf("a session grows beyond the bound: %v", err)
	}
	if c.Len() != 0 || c.partitions.Load() != 0 {
		t.Errorf("%d sessions with %d partitions stay", c.Len(), c.partitions.Load())
	}
	begin(t, c, Request{Wanted: many(0, 60)})
	*now = now.Add(3 * time.Minute)
	if begin(t, c, Request{Wanted: many(0, 60)}).SessionID() == 0 || c.partitions.Load() != 60 {
		t.Errorf("an idle session keeps its partitions: %d", c.partitions.Load())
	}
}

// TestTheRingHoldsWhatTheMapHolds drives one session at random.
func TestTheRingHoldsWhatTheMapHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSession(1, auth.User("alice"), false, []Wanted{want(0)}, time.Unix(0, 0))
		model := []int32{0}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			p := rapid.Int32Range(0, 7).Draw(t, "partition")
			at := slices.Index(model, p)
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				s.update([]Wanted{want(p)}, nil)
				if at < 0 {
					model = append(model, p)
				}
			case 1:
				s.update(nil, []Key{want(p).Key})
				if at >= 0 {
					model = slices.Delete(model, at, at+1)
				}
			default:
				if s.tell(want(p).Key, Told{}, true, false) != (at >= 0) {
					t.Fatalf("partition %d is told wrongly", p)
				}
				if at >= 0 {
					model = append(slices.Delete(model, at, at+1), p)
				}
			}
			got := []int32{}
			for _, w := range s.wanted() {
				got = append(got, w.Partition)
			}
			if !slices.Equal(got, model) || len(s.entries) != len(model) {
				t.Fatalf("served in order %v, want %v", got, model)
			}
		}
	})
}
