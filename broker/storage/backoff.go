package storage

import "time"

// maxBackoff is the longest pause between two tries of what goes on failing: a try may read a whole segment.
const maxBackoff = time.Hour

// backoff says when something that has failed is tried again: after a pause that doubles from try to try.
type backoff struct {
	pause time.Duration
	next  time.Time
}

// failed notes a failure. The first pause is of first, and the second one of a second at least.
func (b *backoff) failed(now time.Time, first time.Duration) {
	if b.next.IsZero() {
		b.pause = first
	} else {
		b.pause = min(max(2*b.pause, time.Second), maxBackoff)
	}
	b.next = now.Add(b.pause)
}

// due says whether it is time to try again.
func (b *backoff) due(now time.Time) bool { return !now.Before(b.next) }
