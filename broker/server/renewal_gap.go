package server

import (
	"time"

	"github.com/chronik-stream/chronik/broker/limit"
)

// keepApart lets limit.RenewalGap pass between the last answer to a session and the first one of its re-authentication, which is the one
// of SaslHandshake, where they may come in one read: on TLS. It reports false when the connection ends first.
func (c *conn) keepApart(key int16) bool {
	if key != keySASLHandshake || c.tls == nil || c.session.Load() == nil {
		return true
	}
	left := limit.RenewalGap - time.Since(c.flushed)
	if left <= 0 {
		return true
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}
