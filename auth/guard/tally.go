package guard

import (
	"math"
	"net/netip"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// tally counts the failures in a row of one user.
type tally struct {
	failures int
	last     time.Time
	// next is when the next attempt may be checked, underWay how many are being checked.
	next     time.Time
	underWay int
	// ended is made for those that wait until one of underWay has ended, and closed then.
	ended chan struct{}
}

func tallyOf(of *simplelru.LRU[key, *tally], k key) *tally {
	t, found := of.Get(k)
	if !found {
		t = &tally{}
		of.Add(k, t)
	}
	return t
}

// turn is closed when one of those that are being checked has ended.
func (t *tally) turn() <-chan struct{} {
	if t.ended == nil {
		t.ended = make(chan struct{})
	}
	return t.ended
}

// wake lets those that wait ask again.
func (t *tally) wake() {
	if t.ended != nil {
		close(t.ended)
		t.ended = nil
	}
}

// forget drops failures whose last one is long over.
func (t *tally) forget(now time.Time, after time.Duration) {
	if t.failures > 0 && now.Sub(t.last) >= after {
		t.forgive()
	}
}

func (t *tally) forgive() { t.failures, t.next = 0, time.Time{} }

func (t *tally) fail(now time.Time, forgetAfter time.Duration) {
	t.forget(now, forgetAfter)
	t.failures++
	t.last = now
}

func (t *tally) holdUntil(when time.Time) {
	if when.After(t.next) {
		t.next = when
	}
}

// heat counts the failures of an address. They cool down with time and not by success: the owner of one account must not be able
// to guess at others.
type heat struct {
	failures float64
	as       time.Time // of failures
	next     time.Time
}

func heatOf(of *simplelru.LRU[netip.Prefix, *heat], from netip.Prefix) *heat {
	h, found := of.Get(from)
	if !found {
		h = &heat{}
		of.Add(from, h)
	}
	return h
}

// at is how many failures count.
func (h *heat) at(now time.Time) int {
	return int(math.Round(h.failures * math.Exp2(-now.Sub(h.as).Seconds()/addressHalfLife.Seconds())))
}

func (h *heat) add(now time.Time) {
	h.failures = h.failures*math.Exp2(-now.Sub(h.as).Seconds()/addressHalfLife.Seconds()) + 1
	h.as = now
}

func (h *heat) holdUntil(when time.Time) {
	if when.After(h.next) {
		h.next = when
	}
}
