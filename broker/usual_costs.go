package broker

import (
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/meta"
)

// cost is what a log-in costs: a client by SCRAM, the broker by PLAIN.
type cost struct {
	mechanism  meta.ScramMechanism
	iterations int
}

// costs are those of one user, by the mechanisms of SCRAM and, as number 0, of PLAIN; zero where he has none.
type costs [meta.ScramSHA512 + 1]cost

// byPlain is the place of PLAIN, which is checked against one of a user's credentials.
const byPlain = meta.UnknownScram

func costsOf(img *meta.Image, user string) costs {
	var of costs
	for _, m := range []meta.ScramMechanism{meta.ScramSHA256, meta.ScramSHA512} {
		if c := img.Scram(user, m); c != nil {
			of[m] = cost{c.Mechanism, c.Iterations}
		}
	}
	if c := plainCredential(img, user); c != nil {
		of[byPlain] = cost{c.Mechanism, c.Iterations}
	}
	return of
}

// usualCosts knows what most users have, which is what unknown ones are shown: else the difference would tell that they do not exist.
type usualCosts struct {
	counts [len(costs{})]map[cost]int
	usual  atomic.Pointer[costs]
}

func newUsualCosts() *usualCosts {
	u := &usualCosts{}
	for i := range u.counts {
		u.counts[i] = map[cost]int{}
	}
	u.usual.Store(&costs{})
	return u
}

// of is the usual cost by a mechanism; zero while nobody has one.
func (u *usualCosts) of(m meta.ScramMechanism) cost { return u.usual.Load()[m] }

// Follow is a meta.Subscriber.
func (u *usualCosts) Follow(old, next *meta.Image, d meta.Delta) {
	if len(d.ScramChanged) == 0 {
		return
	}
	for _, user := range d.ScramChanged {
		u.count(costsOf(old, user), -1)
		u.count(costsOf(next, user), 1)
	}
	var usual costs
	for i := range u.counts {
		usual[i] = most(u.counts[i])
	}
	u.usual.Store(&usual)
}

func (u *usualCosts) count(of costs, n int) {
	for i, c := range of {
		if c == (cost{}) {
			continue
		}
		if u.counts[i][c] += n; u.counts[i][c] == 0 {
			delete(u.counts[i], c)
		}
	}
}

// most is the commonest cost, of equally common ones the least, so that every broker shows the same.
func most(counts map[cost]int) cost {
	var best cost
	for c, n := range counts {
		switch known := counts[best]; {
		case n > known, n == known && (c.iterations < best.iterations || c.iterations == best.iterations && c.mechanism < best.mechanism):
			best = c
		}
	}
	return best
}
