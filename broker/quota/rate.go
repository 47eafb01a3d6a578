package quota

import (
	"math"
	"time"
)

// span is how long is looked back: a number of samples of the same length, the current one among them.
type span struct {
	samples int
	// window is the length of a sample in milliseconds.
	window int64
}

// newSpan takes one sample of a millisecond at the least, and no more than can be added up.
func newSpan(samples int, window time.Duration) span {
	s := span{max(samples, 1), max(window.Milliseconds(), 1)}
	s.window = min(s.window, math.MaxInt64/2/int64(s.samples))
	return s
}

// seconds is the length of all samples.
func (s span) seconds() float64 { return float64(s.samples) * float64(s.window) / 1000 }

// sample is what was recorded in one window. It may have begun before the span and still count, as long as its last value lies in it.
type sample struct {
	start, last int64
	value       float64
}

// rate is a sum per second over a span (org.apache.kafka.common.metrics.stats.Rate and SampledStat). Times are in milliseconds.
type rate struct {
	samples []sample
	current int
}

// record adds a value, which may be negative to take one back.
func (r *rate) record(s span, value float64, now int64) {
	if len(r.samples) == 0 {
		r.samples = append(r.samples, sample{start: now})
	} else if now-r.samples[r.current].start >= s.window {
		r.advance(s, now)
	}
	at := &r.samples[r.current]
	at.value += value
	at.last = now
}

// advance begins a new window. One more than the span has is kept, since the oldest overlaps with it.
func (r *rate) advance(s span, now int64) {
	r.current = (r.current + 1) % (s.samples + 1)
	if r.current == len(r.samples) {
		r.samples = append(r.samples, sample{})
	}
	r.samples[r.current] = sample{start: now, last: now}
}

// measure returns the sum per second, and the milliseconds that it is taken over. Windows that there have not been yet count as empty
// ones, so that a client may begin with a burst.
func (r *rate) measure(s span, now int64) (perSecond float64, over int64) {
	sum, oldest := 0.0, now
	for i := range r.samples {
		at := &r.samples[i]
		if now-at.last >= int64(s.samples)*s.window {
			*at = sample{start: now, last: now}
		}
		sum += at.value
		oldest = min(oldest, at.start)
	}
	over = now - oldest
	if lacking := int64(s.samples-1) - over/s.window; lacking > 0 {
		over += lacking * s.window
	}
	over = max(over, 1)
	return sum * 1000 / float64(over), over
}

// idle reports whether a new rate would measure the same.
func (r *rate) idle(s span, now int64) bool {
	for i := range r.samples {
		if now-r.samples[i].last < int64(s.samples)*s.window {
			return false
		}
	}
	return true
}

// throttle is how many milliseconds it takes until a rate is back at its limit, when nothing is recorded meanwhile (QuotaUtils).
func throttle(perSecond, limit float64, over int64) int64 {
	if perSecond <= limit {
		return 0
	}
	return toMillis((perSecond - limit) / limit * float64(over))
}

// toMillis rounds as Java does, within what the protocol can tell.
func toMillis(f float64) int64 { return int64(min(math.Floor(f+0.5), math.MaxInt32)) }
