package server

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
)

// rights are what a connection's requests are authorized in. It belongs to the goroutine that reads.
type rights struct {
	// who is the session's subject, without a request.
	who authz.Subject
	// needs and granted are those of a request that overlaps with the next one: nobody looks at them once its handler has returned, and the
	// next one finds their memory.
	needs   [limit.NeedsAtHand]authz.Need
	granted authz.Granted
	// memo has what the session was allowed last.
	memo authz.Memo
}

// ask lets the authorizer decide what a call needs. It reports false, and answers, where that refuses the call whole.
func (c *conn) ask(x *exchange, needs authz.Needs) bool {
	if n := needs.Len() - limit.NeedsAtHand; n > 0 {
		cost := int64(n) * limit.NeedBytes
		x.from.overdraw(cost)
		x.charged += cost
	}
	granted := &c.rights.granted
	if !x.row.Overlap {
		granted = &authz.Granted{} // whoever follows the rules may look at it at any time
	}
	refused := granted.Renew(c.server.cfg.Authorizer.Pin(), c.subject(x.call), needs, &c.rights.memo)
	x.call.Granted = granted
	if refused == nil {
		return true
	}
	c.server.cfg.Metrics.refused.WithLabelValues(x.row.Name).Inc()
	x.answer = api.Now(x.row.Refuse(x.call, refusalCode(refused.On.Type)))
	return false
}

// subject is who asks by a call. What the calls of a session have in common is put together once.
func (c *conn) subject(call *api.Call) authz.Subject {
	if call.Session == nil || call.Session != c.rights.who.Session {
		c.rights.who = call.Subject()
		c.rights.who.Request = nil // it has been paid back when its answer is out, and may be megabytes
	}
	who := c.rights.who
	who.Request = call
	return who
}

// lendRoom lets the needs of a request that overlaps with others be put together in the connection's memory.
func (c *conn) lendRoom(x *exchange) {
	if x.row.Overlap {
		x.call.Room = c.rights.needs[:0]
	}
}

// takeBack ends the use of what was lent and granted: a handler that asks later, when the connection's next request is being authorized, has
// no rights.
func (c *conn) takeBack(x *exchange) {
	if !x.row.Overlap {
		return
	}
	x.call.Room, x.call.Granted = nil, nil
	clear(c.rights.needs[:])
	c.rights.granted.Forget()
}
