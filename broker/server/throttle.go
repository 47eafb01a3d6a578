package server

import (
	"math"
	"net/netip"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Quotas hold clients to what they may take.
type Quotas interface {
	// LimitsRequests reports whether anybody's time for requests is limited.
	LimitsRequests() bool
	// Served counts the time that a request took, and returns how long its client has to be held back.
	Served(user, clientID string, took time.Duration) time.Duration
	// Connected counts a connection of an address. Where it returns a time, the connection is closed after that and never served.
	Connected(addr netip.Addr) time.Duration
}

// noQuotas are the quotas of a server that has none.
type noQuotas struct{}

func (noQuotas) LimitsRequests() bool                               { return false }
func (noQuotas) Served(string, string, time.Duration) time.Duration { return 0 }
func (noQuotas) Connected(netip.Addr) time.Duration                 { return 0 }

// charge counts the time that a request has taken since began, less what its handler has waited for others.
func (c *conn) charge(x *exchange, waited time.Duration) {
	session := x.call.Session
	if session == nil || isSASL(x.row.Key) || !c.server.cfg.Quotas.LimitsRequests() {
		return
	}
	took := max(time.Since(x.began)-waited, 0)
	x.answer.Throttle = max(x.answer.Throttle, c.server.cfg.Quotas.Served(session.Principal.Name, x.call.ClientID, took))
}

// tellThrottle says in an answer how long its client is held back.
func tellThrottle(response kmsg.Response, d time.Duration) {
	if told, can := response.(kmsg.SetThrottleResponse); can && d > 0 {
		told.SetThrottle(int32(min(d.Milliseconds(), math.MaxInt32))) //nolint:gosec // bounded here
	}
}

// holdBack leaves the connection unread for a time. The answer says how long, and has gone to the writer: a client that heeds it
// does not notice, and one that does not is slowed down all the same (KIP-219). It reports false when the connection ends first.
func (c *conn) holdBack(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.server.stopping: // what has come already stays unserved
		c.note(reasonShutdown, errShutdown)
		return false
	case <-c.ctx.Done():
		return false
	}
}
