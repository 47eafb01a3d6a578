package gssapi

import "time"

// sessionEnd is when a session ends whose client shows a ticket now: when the ticket would not be taken any more, which is its end and the
// skew of clocks. A client whose clock is behind may use one ticket until then, and log in again sooner each time: so that
// it is not told a time in which it could not, a session lasts shortestSession at least.
func (a *acceptor) sessionEnd(ticket, now time.Time) time.Time {
	end, least := ticket.Add(a.skew), now.Add(shortestSession)
	if end.Before(least) {
		return least
	}
	return end
}
